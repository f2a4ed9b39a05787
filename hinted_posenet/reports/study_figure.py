"""Curves of a study: error against the hint's sigma, against passes, and against where a cascade started."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hinted_posenet.core.figures import logarithmic, save_figure
from hinted_posenet.evaluation.bootstrap import median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.reports.study_results import NULL, OWN, Study, sweep_points

COLOURS = {
    "hinted_embedding": "#b2182b",
    "hinted_residual": "#e08214",
    "hinted_gated": "#8073ac",
    "hinted_fusion": "#1b7837",
    "hinted_memory": "#2166ac",
}
OTHER = "#bbbbbb"
BINS = 8


def study_figure(path: Path, study: Study) -> None:
    """A row of three panels for each group of frames."""
    groups = study.groups()
    figure = Figure(figsize=(13, 4.4 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 3, squeeze=False)
    for (name, frames), (sweep, refinement_steps, basin) in zip(groups.items(), axes, strict=True):
        _sweep(sweep, study, frames)
        _passes(refinement_steps, study, frames)
        _basin(basin, study, frames)
        sweep.set_title(f"{name}: GPS (ORACLE)", loc="left")
        refinement_steps.set_title("passes from retrieval, never stopped", loc="left")
        basin.set_title("where 20 passes lead", loc="left")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside lower center", ncols=5, frameon=False)
    save_figure(figure, path)


def _sweep(axes: Axes, study: Study, frames: Chosen) -> None:
    null = study.errors(NULL, OWN)
    limits: tuple[float, float] | None = None
    for method, curves in study.curves.items():
        points = sweep_points(curves, frames)
        hint_m = np.array([point.hint_m for point in points])
        limits = (float(hint_m.min()), float(hint_m.max()))
        axes.plot(hint_m, [point.answer_m for point in points], "o-", **_style(method))
    if limits:
        x = np.geomspace(*limits, 50)
        axes.plot(x, x, color="black", linewidth=1, label="the hint as the answer")
        if null is not None:
            null_m = median(null[0][:, frames])
            axes.axhline(null_m, color="black", linestyle=":", label="null hint (control)")
            axes.plot(x, x * null_m / np.hypot(x, null_m), "k--", linewidth=1, label="ideal fusion")
    logarithmic(axes, "x", "y")
    axes.set(xlabel="median error of the hint", ylabel="median error of the answer")


def _passes(axes: Axes, study: Study, frames: Chosen) -> None:
    for method, curves in study.curves.items():
        found = [_contraction(curve, frames) for curve in curves]
        errors = np.mean(
            [[np.median(values) for values in refinement_steps] for refinement_steps in found],
            axis=0,
        )
        axes.plot(range(len(errors)), errors, ".-", **_style(method))
    logarithmic(axes, "y")
    axes.set(xlabel="pass (0: retrieval)", ylabel="median error")
    axes.set_xticks([0, 1, 2, 3, 5, 10, 15, 20])


def _basin(axes: Axes, study: Study, frames: Chosen) -> None:
    limits: tuple[float, float] | None = None
    for method, curves in study.curves.items():
        refinement_steps = [_contraction(curve, frames) for curve in curves]
        start, end = (
            np.concatenate([found[index] for found in refinement_steps]) for index in (0, -1)
        )
        edges = np.quantile(start, np.linspace(0, 1, BINS + 1))
        bins = np.clip(np.searchsorted(edges, start, side="right") - 1, 0, BINS - 1)
        middle = [
            (np.median(start[bins == b]), np.median(end[bins == b]))
            for b in range(BINS)
            if (bins == b).any()
        ]
        x, y = np.array(middle).T
        limits = (float(x.min()), float(x.max()))
        axes.plot(x, y, "o-", **_style(method))
    if limits:
        axes.plot(limits, limits, color="black", linewidth=1)
    logarithmic(axes, "x", "y")
    axes.set(xlabel="error of retrieval", ylabel="error after 20 passes")


def _contraction(curve: dict[str, Any], frames: Chosen) -> list[Floats]:
    """Errors (N,) in metres: at the start, then after every pass."""
    found = curve["contraction"]["retrieval"]
    return [
        np.array(values["t_m"])[frames] for values in (found["start"], *found["refinement_steps"])
    ]


def _style(method: str) -> dict[str, Any]:
    known = method in COLOURS
    return {
        "color": COLOURS.get(method, OTHER),
        "label": method.replace("_", " ") if known else "other variants",
        "zorder": 3 if known else 1,
        "markersize": 4,
    }
