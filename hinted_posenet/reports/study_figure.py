"""Curves of a study: error against the hint's error, the refinement step, and the start of a cascade."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hinted_posenet.core.figures import logarithmic, save_figure
from hinted_posenet.evaluation.bootstrap import median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.predictions import ORACLE
from hinted_posenet.reports.page.plots import binned_medians
from hinted_posenet.reports.study_table import NULL, OWN, Study, sweep_medians

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
    """Draw a row of three panels for each group of frames."""
    groups = study.groups()
    figure = Figure(figsize=(13, 4.4 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 3, squeeze=False)
    for (name, frames), (sweep, refinement_steps, basin) in zip(groups.items(), axes, strict=True):
        _sweep(sweep, study, frames)
        _steps(refinement_steps, study, frames)
        _basin(basin, study, frames)
        sweep.set_title(f"{name}: GPS {ORACLE}", loc="left")
        refinement_steps.set_title("refinement from retrieval, never stopped", loc="left")
        basin.set_title("after 20 refinement steps", loc="left")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside lower center", ncols=5, frameon=False)
    save_figure(figure, path)


def _sweep(axes: Axes, study: Study, frames: Chosen) -> None:
    null = study.errors(NULL, OWN)
    limits: tuple[float, float] | None = None
    for method, curves in study.curves.items():
        hint_m, answer_m = (sweep_medians(curves, frames, key) for key in ("hint", "answer"))
        limits = (float(hint_m.min()), float(hint_m.max()))
        axes.plot(hint_m, answer_m, "o-", **_style(method))
    if limits:
        x = np.geomspace(*limits, 50)
        axes.plot(x, x, color="black", linewidth=1, label="the hint as the answer")
        if null is not None:
            null_m = median(null[0][:, frames])
            axes.axhline(null_m, color="black", linestyle=":", label="null hint (control)")
            axes.plot(x, x * null_m / np.hypot(x, null_m), "k--", linewidth=1, label="ideal fusion")
    logarithmic(axes, "x", "y")
    axes.set(xlabel="median error of the hint", ylabel="median error of the answer")


def _steps(axes: Axes, study: Study, frames: Chosen) -> None:
    for method, curves in study.curves.items():
        errors = np.median(_contraction(curves, frames), axis=2).mean(axis=0)
        axes.plot(range(len(errors)), errors, ".-", **_style(method))
    logarithmic(axes, "y")
    axes.set(xlabel="refinement step (0: retrieval)", ylabel="median error")
    axes.set_xticks([0, 1, 2, 3, 5, 10, 15, 20])


def _basin(axes: Axes, study: Study, frames: Chosen) -> None:
    limits: tuple[float, float] | None = None
    for method, curves in study.curves.items():
        errors = _contraction(curves, frames)
        x, y, _ = binned_medians(errors[:, 0].ravel(), errors[:, -1].ravel(), BINS)
        limits = (float(x.min()), float(x.max()))
        axes.plot(x, y, "o-", **_style(method))
    if limits:
        axes.plot(limits, limits, color="black", linewidth=1)
    logarithmic(axes, "x", "y")
    axes.set(xlabel="error of retrieval", ylabel="error after 20 steps")


def _contraction(curves: list[dict[str, Any]], frames: Chosen) -> Floats:
    """Return errors (seeds, 1 + steps, n) in metres: at the start, then after every refinement step."""
    found = [curve["contraction"]["retrieval"] for curve in curves]
    steps = [[of_seed["start"], *of_seed["refinement_steps"]] for of_seed in found]
    return np.array([[values["t_m"] for values in same] for same in steps])[:, :, frames]


def _style(method: str) -> dict[str, Any]:
    known = method in COLOURS
    return {
        "color": COLOURS.get(method, OTHER),
        "label": method.replace("_", " ") if known else "other variants",
        "zorder": 3 if known else 1,
        "markersize": 4,
    }
