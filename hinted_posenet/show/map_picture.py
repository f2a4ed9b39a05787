"""A picture of answers over a map: each image, where prior and answer lie, and the image laid over the map."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Pose
from hinted_posenet.data.images import resized
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.map_marks import ellipse_95, heading_rad, pointer
from hinted_posenet.show.canvas import INK, PAPER, PICTURES, QUIET
from hinted_posenet.show.estimate_picture import (
    ESTIMATE,
    HINT,
    OUTSIDE,
    STATUS_COLOURS,
    draw_ellipse,
    draw_place,
)
from hinted_posenet.show.map_square import (
    PHOTO_PX,
    MapSquare,
    PinholeImage,
    footprint_m,
    map_square,
    pinhole_image,
)
from hinted_posenet.simulator.world.map_files import MapFiles

MOST = 3  # images on a picture
PANEL = 4.4  # inches, a side of a map
SQUARES = 8  # of the checkerboard, across what an image shows
MARGIN = 1.15  # of what a map shows
AROUND, WIDEST = 1.9, 30.0  # a map is wider than what the image shows, at least and at most
DPI = 100


def write_map_picture(path: Path, located: Sequence[Located], files: MapFiles) -> None:
    """Draw up to 3 images, each beside its place on the map and laid over it, and save the picture.

    Raises:
        InputError: The format of the picture is not known.
    """
    check_writable(path, "preview", PICTURES)
    figure = Figure(
        figsize=(3.15 * PANEL, (PANEL + 0.75) * len(located) + 0.5),
        layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.08),
    )
    grid = figure.subplots(len(located), 3, squeeze=False)
    for (photo, place, fit), one in zip(grid, located, strict=True):
        _draw_photo(photo, one, files.origin)
        image = pinhole_image(one)
        _draw_where(place, one, image, files)
        _draw_fit(fit, one, image, files)
    figure.legend(
        handles=_handles(), frameon=False, fontsize=9, loc="outside lower center", ncols=4
    )
    save_figure(figure, path, DPI)


def _handles() -> list[Line2D | Patch]:
    def dot(colour: str, label: str) -> Line2D:
        return Line2D([], [], color=colour, marker="o", ms=7, lw=0, label=label)

    return [
        dot(HINT, "prior and its 95 % ellipse"),
        dot(ESTIMATE, "answer, heading and 95 % ellipse"),
        Line2D(
            [], [], color=ESTIMATE, lw=1.8, ls=(0, (4, 2)), label="outline of what the image shows"
        ),
        Line2D([], [], lw=0, label="\N{PLUS-MINUS SIGN} one standard deviation"),
    ]


def _draw_photo(axes: Axes, one: Located, origin: Origin) -> None:
    axes.set_axis_off()
    axes.set_anchor("W")
    if one.pixels is None:
        axes.imshow(np.full((100, 100, 3), PAPER, np.uint8))
        axes.text(50, 50, "no image", ha="center", va="center", color=QUIET)
    else:
        height, width = one.pixels.shape[:2]
        scale = min(1.0, PHOTO_PX / max(height, width))
        small = resized(one.pixels, round(scale * height), round(scale * width))
        axes.imshow(small.transpose(1, 2, 0))
    name = one.row.name if len(one.row.name) <= 40 else f"...{one.row.name[-37:]}"
    status = textwrap.shorten(one.row.status, 60, placeholder=" ...")
    colour = STATUS_COLOURS.get(one.row.status, OUTSIDE)
    axes.set_title(f"{name}: {status}", loc="left", fontsize=10.5, color=colour, weight="bold")
    axes.text(
        0, -0.03, caption(one, origin), transform=axes.transAxes, va="top", fontsize=9, color=INK
    )


def caption(one: Located, origin: Origin) -> str:
    """Return place, altitude and heading of an answer, each with one standard deviation."""
    row = one.row
    if not row.answered:
        return "no position"
    latitude, longitude, altitude = (float(part) for part in origin.to_geographic(row.pose.t))
    sigma = row.sigma
    level = float(sigma[:2].square().mean().sqrt())
    heading = float(heading_rad(row.pose.q).rad2deg()) % 360
    known = origin.vertical != "unknown"
    above = f"above the {origin.vertical}" if known else "in the heights of the map"
    plus_minus = [f"\N{PLUS-MINUS SIGN} {max(s, 0.1):.1f}" for s in (level, float(sigma[2]))]
    turn_deg = max(float(sigma[5].rad2deg()), 0.1)
    lines = [
        f"{latitude:.6f}°, {longitude:.6f}° {plus_minus[0]} m per axis",
        f"altitude {altitude:.1f} {plus_minus[1]} m {above}",
        f"heading {heading:.1f} \N{PLUS-MINUS SIGN} {turn_deg:.1f}°",
    ]
    if one.hint is not None:
        moved_m = float((row.pose.t - one.hint.pose.t)[:2].norm())
        lines[-1] += f"; {moved_m:.1f} m from the prior"
    return "\n".join(lines)


def _draw_where(axes: Axes, one: Located, image: PinholeImage | None, files: MapFiles) -> None:
    """Draw the map around prior, answer and what the image shows."""
    row = one.row
    marks = [] if one.hint is None else [_outline(one.hint.pose, one.hint.covariance)]
    if row.answered:
        marks.append(_outline(row.pose, row.covariance))
    if image is not None:
        marks.append(footprint_m(row.pose, image, files))
    if not marks:
        axes.set_axis_off()
        return
    points = np.concatenate(marks)
    low, high = points.min(0), points.max(0)
    center, side_m = (low + high) / 2, MARGIN * float((high - low).max())
    if image is not None:
        shown_m = float(np.ptp(marks[-1], axis=0).max())
        side_m = max(side_m, AROUND * shown_m)
        widest_m = WIDEST * shown_m
        if side_m > widest_m:  # a prior that knows little
            center, side_m = row.pose.t[:2].numpy(), widest_m
    square = map_square(center, side_m, row.pose, image, files)
    axes.imshow(square.photo(), extent=square.extent, alpha=0.8)
    if image is not None:
        _draw_outline(axes, square)
    if one.hint is not None:
        t = one.hint.pose.t[:2].numpy()
        draw_ellipse(axes, t, one.hint.covariance, (0, 1), HINT)
        draw_place(axes, t, HINT)
    if row.answered:
        _draw_answer(axes, row, side_m)
    _finish(axes, square, f"on the map of {files.dates[square.date]}")


def _draw_fit(axes: Axes, one: Located, image: PinholeImage | None, files: MapFiles) -> None:
    """Draw the image over the map in the squares of one colour of a checkerboard."""
    if image is None:
        axes.set_axis_off()
        return
    edge = footprint_m(one.row.pose, image, files)
    low, high = edge.min(0), edge.max(0)
    side_m = MARGIN * float((high - low).max())
    square = map_square((low + high) / 2, side_m, one.row.pose, image, files)
    count = len(square.shown)
    step = max(1, round(count / MARGIN / SQUARES))
    row, col = np.mgrid[:count, :count] // step
    chosen = square.shown & ((row + col) % 2 == 0)
    axes.imshow(np.where(chosen[..., None], square.laid_out, square.photo()), extent=square.extent)
    _draw_outline(axes, square)
    _draw_answer(axes, one.row, side_m)
    _finish(axes, square, "image over map, in every second square")


def _finish(axes: Axes, square: MapSquare, title: str) -> None:
    west, east, south, north = square.extent
    axes.set(xlim=(west, east), ylim=(south, north), aspect="equal")
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set_xlabel("east of the map's middle in m", fontsize=8)
    axes.set_ylabel("north in m", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.locator_params(nbins=5)


def _draw_answer(axes: Axes, row: EstimateRow, side_m: float) -> None:
    t = row.pose.t[:2].numpy()
    draw_ellipse(axes, t, row.covariance, (0, 1), ESTIMATE)
    direction = pointer(row.pose.q).numpy()
    tip = t + 0.14 * side_m * direction / np.linalg.norm(direction)
    for colour, width in (("white", 4.0), (ESTIMATE, 2.2)):
        arrow: Any = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0}
        axes.annotate("", tip.tolist(), t.tolist(), arrowprops=arrow, zorder=5)
    draw_place(axes, t, ESTIMATE)


def _draw_outline(axes: Axes, square: MapSquare) -> None:
    count = len(square.shown)
    west, east, south, north = square.extent
    half = square.side_m / count / 2
    x = np.linspace(west + half, east - half, count)
    y = np.linspace(north - half, south + half, count)
    for colour, width, style in (("white", 3.2, "solid"), (ESTIMATE, 1.8, (0, (4, 2)))):
        axes.contour(
            x,
            y,
            square.outline.astype(float),
            [0.5],
            colors=colour,
            linewidths=width,
            linestyles=[style],
        )


def _outline(pose: Pose, covariance: torch.Tensor) -> NDArray[np.float64]:
    """Return the 95 % ellipse (*, 2), or the place alone (1, 2) where it is not known."""
    ellipse = ellipse_95(covariance)
    t: NDArray[np.float64] = pose.t[:2].double().numpy()[None]
    return t if ellipse is None else t + ellipse.numpy()
