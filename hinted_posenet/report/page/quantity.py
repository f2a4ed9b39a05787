"""The two errors of a pose, how a person writes them, and where an axis has its ticks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hinted_posenet.report.table import length


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
