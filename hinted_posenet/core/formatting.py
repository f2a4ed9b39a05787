"""Lengths and angles as people write them: the one place that chooses units and digits."""

import math
from collections.abc import Sequence

FAR_M = 100_000.0  # measured lengths from here on are given in km
UNITS_M = {"cm": 0.01, "m": 1.0, "km": 1000.0}


def length(metres: float) -> str:
    """Return a measured length: 8.3 cm, 1.50 m, 82 m, 250 km."""
    if metres < 1:
        return f"{100 * metres:.1f} cm"
    if FAR_M <= metres < math.inf:
        return f"{metres / 1000:,.0f} km"
    return f"{metres:.2f} m" if metres < 10 else f"{metres:.0f} m"


def short_length(metres: float) -> str:
    """Return a length that is a round number, without trailing zeros: 5 cm, 1.5 m, 2 km."""
    if metres < 1:
        return f"{100 * metres:.6g} cm"
    return f"{metres:.6g} m" if metres < 1000 else f"{metres / 1000:.6g} km"


def degrees(value: float) -> str:
    """Return degrees to one decimal place."""
    return f"{value:.1f}°"


def fine_degrees(value: float) -> str:
    """Return degrees to one decimal place, or to two below one degree."""
    return degrees(value) if value >= 1 else f"{value:.2f}°"


def bounds(text: str, low: float, high: float) -> str:
    """Return an interval in the unit and with the digits of a formatted number: 62.2 cm -> [40.0, 66.9]."""
    number, _, unit = text.partition(" ")
    unit_m = UNITS_M.get(unit, 1.0)
    digits = len(number.rstrip("°").partition(".")[2])
    return f"[{low / unit_m:.{digits}f}, {high / unit_m:.{digits}f}]"


def length_interval(metres: float, low_m: float, high_m: float) -> str:
    """Return a length and its interval in one unit: 62.2 [40.0, 66.9] cm."""
    text = length(metres)
    number, unit = text.split()
    return f"{number} {bounds(text, low_m, high_m)} {unit}"


def degrees_interval(value: float, low: float, high: float) -> str:
    """Return an angle and its interval: 2.3 [1.1, 3.3]°."""
    return f"{value:.1f} {bounds(degrees(value), low, high)}°"


def round_numbers(low: float, high: float, steps: Sequence[float] = (1, 2, 5)) -> list[float]:
    """Return the multiples of powers of ten from ``low`` to ``high``: ticks of a logarithmic axis."""
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    numbers = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [number for number in numbers if low <= number <= high]


def round_down(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten up to ``value``: the length of a scale bar."""
    return round_numbers(value / 10, value)[-1]
