"""Plotly axes and curves as plain dicts, and the two errors of a pose that they show."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.formatting import length
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.reports.page.lines import GREY, Line


class Quantity(NamedTuple):
    """An error of the pose."""

    name: str
    key: str  # of MethodPoses
    sigma: str  # likewise
    text: Callable[[float], str]
    tick: Callable[[float], str]


def length_tick(metres: float) -> str:
    """Shortest: 5 cm, 2 m, 10 km."""
    if metres < 1:
        return f"{100 * metres:g} cm"
    return f"{metres:g} m" if metres < 10_000 else f"{metres / 1000:g} km"


def angle(degrees: float) -> str:
    """5.2°; more digits below one degree."""
    return f"{degrees:.1f}°" if degrees >= 1 else f"{degrees:.2f}°"


POSITION = Quantity("position", "error_t_m", "sigma_t_m", length, length_tick)
ROTATION = Quantity(
    "rotation", "error_r_deg", "sigma_r_deg", angle, lambda degrees: f"{degrees:g}°"
)
QUANTITIES = (POSITION, ROTATION)
# of an axis of more than so many decades, ticks in each
STEPS: tuple[tuple[float, Sequence[int]], ...] = ((3.5, (1,)), (2, (1, 3)), (0.8, (1, 2, 5)))


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high: decades, and where those are few what lies between them."""
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    spread = np.log10(high / low)
    steps = next((steps for least, steps in STEPS if spread > least), range(1, 10))
    ticks = [float(f"{step * 10.0**decade:.3g}") for decade in decades for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


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
