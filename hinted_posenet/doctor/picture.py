"""The cameras of a scene from above, with the accused ones marked."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hinted_posenet.doctor.finding import counted
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.report.save_figure import save_figure

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

COLOURS = {"train": "#1f6feb", "val": "#2da44e", "test": "#e08600", "all": "#1f6feb"}
ACCUSED, WAY, GRID = "#d1242f", "#8c959f", "#d0d7de"
LISTED = 8  # accused cameras that are told of below the picture
LINE_INCH, DPI = 0.2, 130


def draw_cameras(path: Path, scene: Scene, title: str, accused: Mapping[str, str]) -> None:
    """A dot for every camera, a number for every accused one; those far away as arrows at the edge.

    Args:
        path: of the picture; its ending tells the format.
        scene: whose cameras are shown, along the two axes of their largest extents.
        title: of the picture.
        accused: frames that are marked -> why.
    """
    is_good = np.array([view.name not in accused for view in scene.views])
    t_m = scene.T_world_cam.t.numpy()
    shown_m = t_m[is_good] if is_good.any() else t_m
    plane = np.sort(np.argsort(np.ptp(shown_m, axis=0))[-2:])
    flat_m = t_m[:, plane]
    limits_m = np.stack([shown_m[:, plane].min(axis=0), shown_m[:, plane].max(axis=0)])
    margin_m = 0.06 * max(float(np.ptp(limits_m, axis=0).max()), 1e-3)
    limits_m += np.array([[-margin_m], [margin_m]])

    text = _list(accused)
    width_m, height_m = np.ptp(limits_m, axis=0).tolist()
    room_inch = LINE_INCH * (text.count("\n") + 2) if text else 0.05
    height_inch = float(np.clip(8 * height_m / width_m, 3, 9)) + 1.2
    figure = Figure(figsize=(9, height_inch + room_inch), layout="constrained")
    axes, below = figure.subplots(2, 1, height_ratios=(height_inch, room_inch))
    _cameras(axes, scene, flat_m, is_good)
    _mark(axes, scene, flat_m, is_good, list(accused), limits_m)
    axes.set(xlim=limits_m[:, 0], ylim=limits_m[:, 1], aspect="equal")
    axes.set(xlabel=f"{'xyz'[plane[0]]} in m", ylabel=f"{'xyz'[plane[1]]} in m")
    figure.suptitle(title, weight="bold")
    below.set_axis_off()
    below.text(0, 1, text, color=ACCUSED, va="top", fontsize=9, transform=below.transAxes)
    save_figure(figure, path, DPI)


def _list(accused: Mapping[str, str]) -> str:
    lines = [f"{n}  {name}: {why}" for n, (name, why) in enumerate(accused.items(), start=1)]
    more = len(lines) - LISTED
    return "\n".join([*lines[:LISTED], f"and {more:,} more"] if more > 0 else lines)


def _cameras(axes: Axes, scene: Scene, flat_m: Floats, is_good: Bools) -> None:
    """Dots by split, joined by a thin line along each sequence."""
    for track in scene.tracks:
        x_m, y_m = flat_m[track.views[is_good[track.views]]].T
        axes.plot(x_m, y_m, color=WAY, lw=0.6, alpha=0.6, zorder=1)
    split = np.array(scene.split_of)
    for name in scene.splits:
        x_m, y_m = flat_m[is_good & (split == name)].T
        label = counted(len(x_m), f"{name} camera")
        axes.scatter(x_m, y_m, s=6, color=COLOURS[name], lw=0, zorder=2, label=label)
    axes.grid(color=GRID, lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, markerscale=2.5, loc="lower left", bbox_to_anchor=(0, 1))


def _mark(
    axes: Axes,
    scene: Scene,
    flat_m: Floats,
    is_good: Bools,
    accused: list[str],
    limits_m: Floats,
) -> None:
    """A number at every accused camera, dashes to the good ones beside it; an arrow to one outside."""
    centre_m, half_m = limits_m.mean(axis=0), np.ptp(limits_m, axis=0) / 2
    for track in scene.tracks:
        good = np.flatnonzero(is_good[track.views])
        for place in np.flatnonzero(~is_good[track.views]):
            i = track.views[place]
            away_m = flat_m[i] - centre_m
            beyond = float((np.abs(away_m) / half_m).max())
            if beyond > 1:  # where the way from the centre leaves the picture
                start, end = (centre_m + part * away_m / beyond for part in (0.86, 0.99))
                style = {"arrowstyle": "-|>", "color": ACCUSED, "lw": 2, "mutation_scale": 18}
                axes.annotate("", end, start, arrowprops=style, zorder=4)
            else:
                start = flat_m[i]
                following = np.searchsorted(good, place)
                for beside in track.views[good[max(following - 1, 0) : following + 1]]:
                    x_m, y_m = np.stack([start, flat_m[beside]]).T
                    axes.plot(x_m, y_m, "--", color=ACCUSED, lw=0.9, zorder=3)
            number = str(accused.index(scene.views[i].name) + 1)
            disc = {"boxstyle": "circle,pad=0.25", "facecolor": ACCUSED, "edgecolor": "white"}
            mark = axes.annotate(number, start, zorder=5, bbox=disc, ha="center", va="center")
            mark.set(color="white", weight="bold", fontsize=8)
