"""How errors are distributed: recall curves and histograms, and the numbers behind them."""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from hinted_posenet.evaluation.bootstrap import median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.reports.page.axes import (
    Quantity,
    Spec,
    curve,
    log_axis,
    share_axis,
    shown_range,
)
from hinted_posenet.reports.page.lines import GREY, Line

LEVELS = np.linspace(0, 1, 41)


class Binned(NamedTuple):
    """Medians of pairs, in bins of equal counts along x."""

    x: Floats  # (bins,)
    y: Floats
    pairs: int  # in a bin, at least


def recall_curve(errors: Floats) -> tuple[Floats, Floats]:
    """Thresholds, up to 101, and shares of errors (any shape, some may be inf) that are at most as large."""
    ordered = np.sort(errors, axis=None)
    rank = np.unique(np.linspace(0, len(ordered) - 1, 101).round().astype(int))
    finite = rank[np.isfinite(ordered[rank])]
    return ordered[finite], (finite + 1) / len(ordered)


def histogram(errors: Floats, edges: Floats) -> Floats:
    """Shares of errors (any shape) between edges; what lies beyond counts to the first and last bin."""
    inside = np.clip(errors.ravel(), edges[0], edges[-1])
    return np.histogram(inside, edges)[0] / errors.size


def binned_medians(x: Floats, y: Floats, bins: int) -> Binned:
    """Of pairs (N,): median y over median x, in at most ``bins`` bins of equal counts."""
    known = np.isfinite(x)
    order = np.argsort(x[known], kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    medians = [np.array([np.median(of[known][part]) for part in parts]) for of in (x, y)]
    return Binned(medians[0], medians[1], min(map(len, parts), default=0))


def coverage(errors: Floats, sigma: Floats) -> Floats | None:
    """Shares of errors that lie within the ball that a Gaussian of this sigma fills to each of LEVELS.

    Args:
        errors: lengths of error vectors of three components, any shape.
        sigma: one standard deviation of each component, of the same shape; ignored where it is not stated.

    Returns:
        (41,), or None if no sigma is stated.
    """
    stated = np.isfinite(sigma) & (sigma > 0)
    if not stated.any():
        return None
    filled = chi2.cdf((errors[stated] / sigma[stated]) ** 2, df=3)
    return np.array([(filled <= level).mean() for level in LEVELS])


BINS = 36  # of a histogram, at most
ROW_PX = 46  # of a histogram


def recall_figure(
    lines: list[Line], rows: Chosen, quantity: Quantity, thresholds: set[float]
) -> Spec:
    """Share of frames within an error, against that error; thresholds of the recalls as thin lines."""
    found = [line.errors(quantity.key)[:, rows] for line in lines]
    low, high = shown_range(found)
    traces = []
    for line, errors in zip(lines, found, strict=True):
        x, y = recall_curve(errors)
        texts = [f"{b:.0%} within {quantity.text(a)}" for a, b in zip(x, y, strict=True)]
        traces.append(curve(line, x, y, texts))
    shapes = [
        {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
        | {"line": {"color": GREY, "width": 1, "dash": "dot"}}
        for x in thresholds
        if low < x < high
    ]
    return {
        "data": traces,
        "layout": {
            "xaxis": log_axis(f"{quantity.name} error", low, high, quantity),
            "yaxis": share_axis("frames within"),
            "shapes": shapes,
        },
    }


def histogram_figure(lines: list[Line], rows: Chosen, quantity: Quantity) -> Spec:
    """A row per method, each scaled to its own peak, with its median."""
    found = [line.errors(quantity.key)[:, rows] for line in lines]
    low, high = shown_range(found)
    bins = int(np.clip(1.5 * np.sqrt(rows.sum()), 8, BINS))
    edges = np.geomspace(low, high, bins + 1)
    x = np.concatenate([[low], np.repeat(edges, 2)[1:-1], [high]])
    traces, notes = [], []
    for row, (line, errors) in enumerate(zip(lines, found, strict=True)):
        shares = histogram(errors, edges)
        base = float(len(lines) - row)
        steps = np.concatenate([[0.0], np.repeat(shares, 2), [0.0]]) / shares.max()
        traces.append(
            {"x": x, "y": base + 0.62 * steps, "fill": "toself", "fillcolor": _pale(line.colour)}
            | {"mode": "lines", "line": {"color": line.colour, "width": 1.2}, "hoverinfo": "skip"}
        )
        middle = median(errors)
        at = float(np.clip(middle, low, high))
        traces.append(
            {"x": [at, at], "y": [base, base + 0.62], "mode": "lines", "hoverinfo": "skip"}
            | {"line": {"color": line.colour, "width": 3}}
        )
        title = {"text": line.title, "x": 0, "xref": "paper", "xanchor": "left"}
        number = {"text": quantity.text(middle), "x": 1, "xref": "paper", "xanchor": "right"}
        place = {"y": base + 0.98, "yanchor": "top", "showarrow": False, "font": {"size": 12}}
        notes += [title | place, number | place]
    return {
        "data": traces,
        "layout": {
            "height": ROW_PX * len(lines) + 60,
            "xaxis": log_axis(f"{quantity.name} error", low, high, quantity),
            "yaxis": {"visible": False, "range": [0.9, len(lines) + 1.05]},
            "annotations": notes,
        },
    }


def _pale(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},0.4)"
