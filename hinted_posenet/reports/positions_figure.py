"""Figures of true against predicted positions, over the map where there is one."""

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
from hinted_posenet.evaluation.run_files import MethodPoses, Run, by_title

Limits = tuple[float, float]
AXES = "xyz"


class Ground(NamedTuple):
    """What all panels of a figure show."""

    axes: tuple[int, int]  # of the world, to the right and up
    x_m: Limits
    y_m: Limits
    overview: dict[str, Any] | None  # image and bounds_m of the scene's map

    def panel_height(self, width: float) -> float:
        """Height that suits a panel so wide, its title of two lines included."""
        ratio = (self.y_m[1] - self.y_m[0]) / (self.x_m[1] - self.x_m[0])
        # the axes take four fifths of the width; the rest are ticks, and above the title
        return 0.8 * width * min(max(ratio, 0.3), 1.5) + 0.9


def ground_of(true_m: Floats, predicted_m: Floats, overview: dict[str, Any] | None) -> Ground:
    """The map, or where cameras (N, 3) were and nearly all answers (M, 3) lie (99 %)."""
    first, second = sorted(np.argsort(np.ptp(true_m, axis=0))[-2:].tolist())  # they moved most so
    axes = (first, second)
    if overview is not None:
        xmin, ymin, xmax, ymax = overview["bounds_m"]
        return Ground(axes, (xmin, xmax), (ymin, ymax), overview)
    true = true_m[:, axes]
    answers = predicted_m[np.isfinite(predicted_m).all(axis=1)][:, axes]
    if len(answers) == 0:
        answers = true
    low = np.minimum(true.min(axis=0), np.quantile(answers, 0.005, axis=0))
    high = np.maximum(true.max(axis=0), np.quantile(answers, 0.995, axis=0))
    margin = 0.03 * (high - low).max() or 1.0
    x_m, y_m = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    return Ground(axes, x_m, y_m, None)


def draw_positions(
    axes: Axes, ground: Ground, true_m: Floats, predicted_m: Floats, colours: Any
) -> None:
    """True and predicted positions (N, 3), in one colour or one for each."""
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
    """Which axes of the world they are."""
    axes.set_xlabel(f"{AXES[ground.axes[0]]} in m")
    axes.set_ylabel(f"{AXES[ground.axes[1]]} in m")


SEEN, UNSEEN = "#1f6feb", "#d1242f"
PANEL_WIDTH, SINGLE_WIDTH = 4.4, 7.0  # inches


def positions_figure(path: Path, runs: list[Run]) -> None:
    """One panel per method (first seed and pass): a dot where the camera was, a line to where it was put.

    Frames of a season or date that training never saw are drawn in red.
    """
    first = runs[0]
    panels = {"retrieval": first.methods["retrieval"]}
    panels |= {title: same[0].methods["pass 1"] for title, same in by_title(runs).items()}
    unseen = np.array(
        [any(g.startswith("unseen") for g in groups) for groups in first.results["frame_groups"]]
    )
    answers = np.concatenate([poses.predicted_m for poses in panels.values()])
    ground = ground_of(panels["retrieval"].true_m, answers, first.results["map"])
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
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
    labels = {SEEN: "true position, and the way to the answer"}
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
    """Positions (N, 3) over the map ``overview`` if there is one; an answer that is not finite is no line."""
    ground = ground_of(true_m, predicted_m, overview)
    size = (SINGLE_WIDTH, ground.panel_height(SINGLE_WIDTH))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    draw_positions(axes, ground, true_m, predicted_m, SEEN)
    name_axes(axes, ground)
    axes.set_title(f"{title}\ntrue position, and the way to the answer", fontsize=11)
    save_figure(figure, path)


def _medians(poses: MethodPoses, unseen: Chosen) -> str:
    medians = {"seen": poses.error_t_m[~unseen], "unseen": poses.error_t_m[unseen]}
    parts = [f"{length(float(np.median(e)))} {name}" for name, e in medians.items() if len(e)]
    return ", ".join(parts) if unseen.any() else parts[0].removesuffix(" seen")
