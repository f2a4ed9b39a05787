"""Plots of what stated covariances are worth: how much of what they claim they hold, and what they tell apart."""

import numpy as np

from hinted_posenet.core.formatting import length
from hinted_posenet.evaluation.calibration import KEPT, coverage, risk_coverage
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.run_files import Run
from hinted_posenet.reports.page.curves import (
    NOTE,
    POSITION,
    Line,
    Quantity,
    Spec,
    curve,
    log_axis,
    reference,
    share_axis,
    shown_range,
)

LEVELS = np.linspace(0, 1, 41)
MARGIN = {"l": 56, "r": 24, "t": 36, "b": 48}  # at the right, for half of "100%"
RISKS = {"median": "median", "p95": "95th percentile"}  # of a risk-coverage curve, in its order


def seen_and_unseen(run: Run) -> dict[str, str]:
    """Return the names of the first groups that training saw and did not see, by their kind; or else of all."""
    kinds = {group["season_group"]: group["name"] for group in reversed(run.results["groups"])}
    pair = {kind: kinds[kind] for kind in ("seen", "unseen") if kind in kinds}
    return pair if len(pair) == 2 else {"all": kinds["all"]}


def calibration_figure(
    lines: list[Line], quantity: Quantity, group: str, rows: Chosen
) -> Spec | None:
    """Draw the share of answers within the regions that claim to hold a share of them, against that share."""
    traces = []
    for line in lines:
        nees = line.errors(quantity.nees)[:, rows]
        if line.is_network and not np.isnan(nees).all():
            found = coverage(nees, 3, LEVELS)
            texts = [
                f"{o:.0%} where {p:.0%} are claimed" for p, o in zip(LEVELS, found, strict=True)
            ]
            traces.append(curve(line, LEVELS, found, texts))
    if not traces:
        return None
    notes = [
        {"text": "underconfident", "x": 0.04, "y": 0.96, "xanchor": "left", **NOTE},
        {"text": "overconfident", "x": 0.96, "y": 0.04, "xanchor": "right", **NOTE},
    ]
    axes = {"xaxis": share_axis("claimed to lie within")}
    axes["yaxis"] = share_axis(f"{quantity.name} answers within")
    title = {"text": group, "font": {"size": 14}, "x": 0.5, "xanchor": "center", "y": 0.98}
    layout = {**axes, "annotations": notes, "title": title, "margin": MARGIN}
    return {"data": [reference([0, 1], [0, 1]), *traces], "layout": layout}


def rejection_figure(lines: list[Line], rows: Chosen, risk: str) -> Spec:
    """Draw a quantile of the position error of the frames with the least stated sigma against their share.

    All lines state covariances.
    """
    traces, values = [], []
    for line in lines:
        errors, sigma_m = (line.errors(key)[:, rows] for key in (POSITION.key, "position_sigma_m"))
        found = [risk_coverage(*of_seed) for of_seed in zip(errors, sigma_m, strict=True)]
        y: Floats = np.mean(found, axis=0)[list(RISKS).index(risk)]
        texts = [f"{length(e)} of the best {k:.0%}" for k, e in zip(KEPT, y, strict=True)]
        traces.append(curve(line, KEPT, y, texts))
        values.append(y)
    low, high = shown_range(values, 0.0, 1.0)
    y_axis = log_axis(f"{RISKS[risk]} of the position error", low / 1.15, high * 1.15, POSITION)
    layout = {"xaxis": share_axis("frames kept"), "yaxis": y_axis, "margin": {**MARGIN, "t": 12}}
    return {"data": traces, "layout": layout}
