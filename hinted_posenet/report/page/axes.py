"""Parts of plotly figures: plain dicts, which the page draws in its own colours, light or dark."""

from typing import Any

import numpy as np

from hinted_posenet.report.frames import Floats
from hinted_posenet.report.page.lines import GREY, Line
from hinted_posenet.report.page.quantity import Quantity, log_ticks

Spec = dict[str, Any]  # data and layout of a figure, or a part of them
NOTE: Spec = {"showarrow": False, "font": {"size": 12, "color": GREY}}


def curve(line: Line, x: Floats, y: Floats, texts: list[str]) -> Spec:
    """A line's trace: texts (N,) show at the mouse, and the page shows and hides it by ``meta``."""
    return {
        "x": x,
        "y": y,
        "text": texts,
        "hovertemplate": f"{line.title}<br>%{{text}}<extra></extra>",
        "meta": [line.title],
        "mode": "lines",
        "line": {"color": line.colour, "dash": line.dash, "width": 2.2 if line.is_network else 1.6},
    }


def reference(x: list[float], y: list[float]) -> Spec:
    """A thin straight line."""
    thin = {"color": GREY, "width": 1}
    return {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip", "line": thin}


def shown_range(values: list[Floats], low: float = 0.01, high: float = 0.99) -> tuple[float, float]:
    """What an axis shows: quantiles of all that is positive and finite."""
    ends = []
    for of_line in values:
        shown = of_line[np.isfinite(of_line) & (of_line > 0)]
        if shown.size:
            ends.append(np.quantile(shown, [low, high]))
    lows, highs = np.array(ends).T if ends else ([0.1], [1.0])
    first, last = float(min(lows)), float(max(highs))
    return (first, last) if last > 1.1 * first else (first / 2, first * 2)


def log_axis(title: str, low: float, high: float, quantity: Quantity) -> Spec:
    """With ticks as a person writes them."""
    ticks = log_ticks(low, high)
    texts = [quantity.tick(tick) for tick in ticks]
    axis = {"type": "log", "range": [np.log10(low), np.log10(high)]}
    return axis | {"title": {"text": title}, "tickvals": ticks, "ticktext": texts}


def share_axis(title: str) -> Spec:
    """From none to all."""
    return {"title": {"text": title}, "range": [-0.01, 1.02], "tickformat": ".0%", "dtick": 0.25}
