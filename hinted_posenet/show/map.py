"""The map of a data set: its flights by split over the world from above."""

from collections import defaultdict
from operator import itemgetter
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.formatting import round_down, short_length
from hinted_posenet.core.types import View
from hinted_posenet.show.canvas import INK, PICTURES, SPLIT_COLOURS, SPLIT_NAMES
from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.world import Bounds

STEADY = 0.1  # relative deviation of the speed along a path; between random places it is 0.5
DPI = 110


class FlightMap:
    """A dot for every image, and a line along every path that was flown."""

    file = "map.jpg"

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; reads nothing but the data set."""
        check_writable(path, endings=PICTURES)
        views, (bounds, image) = subject.views(), subject.overview()
        background = np.asarray(mpl.image.imread(image, format="jpg"))
        figure = map_figure(subject.scene, views, bounds, background)
        save_figure(figure, path, DPI)
        print(f"written: {path}")


def map_figure(
    title: str, views: dict[str, list[View]], bounds: Bounds, background: NDArray[np.uint8]
) -> Figure:
    """Draw the figure, with axes in metres to the east and north."""
    aspect = min(max(bounds.height_m / bounds.width_m, 0.3), 1.5)
    figure = Figure(figsize=(9.0, 7.6 * aspect + 1.3), layout="constrained")
    axes = figure.subplots()
    extent = (bounds.xmin, bounds.xmax, bounds.ymin, bounds.ymax)
    axes.imshow(background, extent=extent, alpha=0.65)
    count = sum(map(len, views.values()))
    size = float(np.clip(10_000 / max(count, 1), 7, 30))
    for split, found in views.items():
        for line in flight_lines(found):
            axes.plot(line[:, 0], line[:, 1], color="white", lw=2.2, alpha=0.6, zorder=2)
            axes.plot(line[:, 0], line[:, 1], color=SPLIT_COLOURS[split], lw=1.1, zorder=2)
        x, y, _ = np.array([view.T_world_cam.t.tolist() for view in found]).reshape(-1, 3).T
        label = f"{SPLIT_NAMES[split]}: {len(found)} image{'s'[: len(found) != 1]}"
        colour = SPLIT_COLOURS[split]
        axes.scatter(x, y, size, colour, linewidths=0.3, edgecolors="white", label=label, zorder=3)
    draw_scale(axes, bounds)
    axes.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", title=title)
    axes.set(xlabel="east in m", ylabel="north in m")
    figure.legend(loc="outside lower center", ncols=len(views), frameon=False, markerscale=2)
    return figure


def flight_lines(views: list[View]) -> list[NDArray[np.float64]]:
    """Return positions (N, 3) along every path of these views, in the order of time.

    A flight at one date is a path if the speed of the camera was steady; between random places at which
    it hovered there is no line to draw.
    """
    flights: dict[tuple[str, ...], list[tuple[float, list[float]]]] = defaultdict(list)
    for view in views:
        if view.time_s is not None:
            place = view.time_s, view.T_world_cam.t.tolist()
            flights[view.sequence, *view.tags.values()].append(place)
    lines = []
    for flown in flights.values():
        if len(flown) < 3:
            continue
        flown.sort(key=itemgetter(0))
        times_s, places = (np.array(column) for column in zip(*flown, strict=True))
        gaps_s = np.maximum(np.diff(times_s), 1e-6)
        speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / gaps_s
        if speed.std() < STEADY * speed.mean():
            lines.append(places)
    return lines


def draw_scale(axes: Axes, bounds: Bounds) -> None:
    """Draw a scale bar in the lower left corner, and an arrow to the north in the upper right one."""
    length_m, unit = round_down(bounds.width_m / 4), bounds.width_m / 100
    x, y = bounds.xmin + 3 * unit, bounds.ymin + 3 * unit
    paper = Rectangle((x - unit, y - unit), length_m + 2 * unit, 6 * unit, fc="white", alpha=0.85)
    axes.add_patch(paper).set(linewidth=0, zorder=4)
    axes.plot([x, x + length_m], [y, y], color=INK, lw=4, solid_capstyle="butt", zorder=5)
    axes.text(x, y + unit, short_length(length_m), color=INK, va="bottom", zorder=5)
    axes.annotate(
        "N",
        xy=(0.97, 0.98),
        xytext=(0.97, 0.9),
        xycoords="axes fraction",
        ha="center",
        color=INK,
        fontsize=13,
        fontweight="bold",
        bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2},
        zorder=5,
    )
