"""How errors are distributed: recall curves and histograms."""

import numpy as np

from hinted_posenet.report.bootstrap import median
from hinted_posenet.report.frames import Chosen
from hinted_posenet.report.page.axes import Spec, curve, log_axis, share_axis, shown_range
from hinted_posenet.report.page.curves import histogram, recall_curve
from hinted_posenet.report.page.lines import GREY, Line
from hinted_posenet.report.page.quantity import Quantity

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
