"""Figures: true against predicted positions, over the map where there is one."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hinted_posenet.report.frames import Chosen, Floats
from hinted_posenet.report.positions_panel import draw_positions, ground_of, name_axes
from hinted_posenet.report.runs import MethodPoses, Run, by_title
from hinted_posenet.report.save_figure import save_figure
from hinted_posenet.report.table import length

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
