"""Figures of true against predicted positions, over the map where there is one."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.formatting import length
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.predictions import RETRIEVAL
from hinted_posenet.evaluation.run_files import MethodPoses, Run, by_title

Limits = tuple[float, float]
AXES = "xyz"


class Ground(NamedTuple):
    """What all panels of a figure have in common."""

    axes: tuple[int, int]  # of the world, to the right and up
    x_m: Limits
    y_m: Limits
    overview: dict[str, Any] | None  # image and bounds_m of the scene's map

    def panel_height(self, width: float) -> float:
        """Return the height of a panel of a width in inches, with its title of two lines."""
        ratio = (self.y_m[1] - self.y_m[0]) / (self.x_m[1] - self.x_m[0])
        # the axes take four fifths of the width; the rest are ticks, and above the title
        return 0.8 * width * min(max(ratio, 0.3), 1.5) + 0.9


def ground_of(true_m: Floats, predicted_m: Floats, overview: dict[str, Any] | None) -> Ground:
    """Return the map, or the extent of cameras (N, 3) and of 99 % of the answers (M, 3)."""
    # the two axes along which the cameras moved most
    first, second = sorted(np.argsort(np.ptp(true_m, axis=0))[-2:].tolist())
    axes = (first, second)
    if overview is not None:
        xmin, ymin, xmax, ymax = overview["bounds_m"]
        return Ground(axes, (xmin, xmax), (ymin, ymax), overview)
    true = true_m[:, axes]
    answers = predicted_m[np.isfinite(predicted_m).all(axis=1)][:, axes]
    if len(answers) == 0:
        answers = true
    low, high = np.quantile(answers, [0.005, 0.995], axis=0)
    low, high = np.minimum(true.min(axis=0), low), np.maximum(true.max(axis=0), high)
    margin = 0.03 * (high - low).max() or 1.0
    x_m, y_m = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    return Ground(axes, x_m, y_m, None)


def draw_positions(
    axes: Axes, ground: Ground, true_m: Floats, predicted_m: Floats, colours: Any
) -> None:
    """Draw true and predicted positions (N, 3), in one color or one each."""
    if ground.overview is not None and Path(ground.overview["image"]).is_file():
        picture = mpl.image.imread(ground.overview["image"], format="jpg")
        axes.imshow(picture, extent=(*ground.x_m, *ground.y_m), alpha=0.45)
    true, predicted = true_m[:, ground.axes], predicted_m[:, ground.axes]
    ways = list(np.stack([true, predicted], axis=1))
    axes.add_collection(LineCollection(ways, colors=colours, linewidths=0.9, alpha=0.8))
    axes.scatter(true[:, 0], true[:, 1], s=7, c=colours, linewidths=0)
    axes.set(xlim=ground.x_m, ylim=ground.y_m, aspect="equal")
    axes.locator_params(nbins=5)


def name_axes(axes: Axes, ground: Ground) -> None:
    """Label the axes with those of the world."""
    axes.set_xlabel(f"{AXES[ground.axes[0]]} in m")
    axes.set_ylabel(f"{AXES[ground.axes[1]]} in m")


SEEN, UNSEEN = "#1f6feb", "#d1242f"
PANEL_WIDTH, SINGLE_WIDTH = 4.4, 7.0  # inches


def positions_figure(path: Path, runs: list[Run]) -> None:
    """Draw one panel per method (first seed and step): dots at true positions, lines to the answers.

    Frames of a season or date unseen in training are red.
    """
    first = runs[0]
    panels = {RETRIEVAL: first.methods[RETRIEVAL]} if RETRIEVAL in first.methods else {}
    panels |= {title: same[0].steps[0] for title, same in by_title(runs).items()}
    unseen = first.in_season_group("unseen")
    answers = np.concatenate([poses.predicted_m for poses in panels.values()])
    ground = ground_of(first.steps[0].true_m, answers, first.results["map"])
    columns = min(3, len(panels))
    lines = math.ceil(len(panels) / columns)
    size = (PANEL_WIDTH * columns, ground.panel_height(PANEL_WIDTH) * lines + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    colours = np.where(unseen, UNSEEN, SEEN)
    for axes, (title, poses) in zip(grid, panels.items(), strict=False):
        draw_positions(axes, ground, poses.true_m, poses.predicted_m, colours)
        axes.set_title(f"{title}\nmedian {_medians(poses, unseen)}", fontsize=10)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    name_axes(grid[0], ground)
    labels = {SEEN: "true position, with a line to the answer"}
    if unseen.any():
        labels[UNSEEN] = "the same, in a season or date unseen in training"
    handles = [
        mpl.lines.Line2D([], [], color=c, marker="o", ms=4, label=t) for c, t in labels.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    save_figure(figure, path)


def predictions_figure(
    path: Path, title: str, true_m: Floats, predicted_m: Floats, overview: dict[str, Any] | None
) -> None:
    """Draw positions (N, 3), over the map ``overview`` if there is one; failed answers have no line."""
    ground = ground_of(true_m, predicted_m, overview)
    size = (SINGLE_WIDTH, ground.panel_height(SINGLE_WIDTH))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    draw_positions(axes, ground, true_m, predicted_m, SEEN)
    name_axes(axes, ground)
    axes.set_title(f"{title}\ntrue position, with a line to the answer", fontsize=11)
    save_figure(figure, path)


def _medians(poses: MethodPoses, unseen: Chosen) -> str:
    if not unseen.any():
        return length(float(np.median(poses.error_t_m)))
    parts = {"seen": poses.error_t_m[~unseen], "unseen": poses.error_t_m[unseen]}
    return ", ".join(f"{length(float(np.median(e)))} {n}" for n, e in parts.items() if len(e))
