"""Figure: true against predicted positions, over the map where there is one."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hinted_posenet.report.runs import MethodPoses, Run, by_title
from hinted_posenet.report.save_figure import save_figure
from hinted_posenet.report.table import length

SEEN, UNSEEN = "#1f6feb", "#d1242f"


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
    horizontal = _plane(panels["retrieval"])
    limits = _limits(first.results["map"], list(panels.values()), horizontal)
    (xmin, xmax), (ymin, ymax) = limits
    width = 4.4
    # the axes take four fifths of the width; the rest are ticks, and above a title of two lines
    height = 0.8 * width * min(max((ymax - ymin) / (xmax - xmin), 0.3), 1.5) + 0.9
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(width * columns, height * lines + 0.5), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (title, poses) in zip(grid, panels.items(), strict=False):
        _background(axes, first.results["map"])
        _panel(axes, title, poses, unseen, horizontal)
        axes.set(xlim=limits[0], ylim=limits[1], aspect="equal")
        axes.locator_params(nbins=5)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    names = "xyz"
    grid[0].set_xlabel(f"{names[horizontal[0]]} in m")
    grid[0].set_ylabel(f"{names[horizontal[1]]} in m")
    labels = {SEEN: "true position, and the way to the answer"}
    if unseen.any():
        labels[UNSEEN] = "the same, in a season or date unseen in training"
    handles = [
        mpl.lines.Line2D([], [], color=c, marker="o", ms=4, label=t) for c, t in labels.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    save_figure(figure, path)


def _plane(poses: MethodPoses) -> tuple[int, int]:
    """The two world axes along which the cameras moved most, in order."""
    spread = np.ptp(poses.true_m, axis=0)
    first, second = sorted(np.argsort(spread)[-2:].tolist())
    return first, second


def _limits(
    overview: dict[str, Any] | None, panels: list[MethodPoses], horizontal: tuple[int, int]
) -> list[tuple[float, float]]:
    """What every panel shows: the map, or where cameras were and nearly all answers (99 %) lie."""
    if overview is not None:
        xmin, ymin, xmax, ymax = overview["bounds_m"]
        return [(xmin, xmax), (ymin, ymax)]
    true = panels[0].true_m[:, horizontal]
    answers = np.concatenate([panel.predicted_m[:, horizontal] for panel in panels])
    low = np.minimum(true.min(axis=0), np.nanquantile(answers, 0.005, axis=0))
    high = np.maximum(true.max(axis=0), np.nanquantile(answers, 0.995, axis=0))
    margin = 0.03 * (high - low).max()
    return [(a - margin, b + margin) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def _background(axes: Axes, overview: dict[str, Any] | None) -> None:
    if overview is None or not Path(overview["image"]).is_file():
        return
    xmin, ymin, xmax, ymax = overview["bounds_m"]
    picture = mpl.image.imread(overview["image"], format="jpg")
    axes.imshow(picture, extent=(xmin, xmax, ymin, ymax), alpha=0.45)


def _panel(
    axes: Axes, title: str, poses: MethodPoses, unseen: Any, horizontal: tuple[int, int]
) -> None:
    true, predicted = poses.true_m[:, horizontal], poses.predicted_m[:, horizontal]
    colours = np.where(unseen, UNSEEN, SEEN)
    axes.add_collection(
        LineCollection(
            list(np.stack([true, predicted], axis=1)), colors=colours, linewidths=0.9, alpha=0.8
        )
    )
    axes.scatter(true[:, 0], true[:, 1], s=7, c=colours, linewidths=0)
    medians = {
        "seen": poses.error_t_m[~unseen],
        "unseen": poses.error_t_m[unseen],
    }
    parts = [f"{length(float(np.median(e)))} {name}" for name, e in medians.items() if len(e)]
    text = ", ".join(parts) if unseen.any() else parts[0].removesuffix(" seen")
    axes.set_title(f"{title}\nmedian {text}", fontsize=10)
