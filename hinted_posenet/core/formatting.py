"""Lengths and angles as people write them."""


def length(metres: float) -> str:
    """Metres as a person writes them: centimetres below one metre."""
    if metres < 1:
        return f"{100 * metres:.1f} cm"
    return f"{metres:.2f} m" if metres < 10 else f"{metres:.0f} m"


def short_length(metres: float) -> str:
    """The same without zeros behind the point: 5 cm, 2 m."""
    return length(metres).replace(".00", "").replace(".0 ", " ")


def degrees(value: float) -> str:
    """Degrees to a tenth."""
    return f"{value:.1f}°"


def bounds(text: str, low: float, high: float) -> str:
    """An interval in the unit and to the digits of a number as it is written: 62.2 cm -> [40.0, 66.9]."""
    factor, digits = (
        100.0 if text.endswith("cm") else 1.0,
        len(text.rstrip("cm °").partition(".")[2]),
    )
    return f"[{factor * low:.{digits}f}, {factor * high:.{digits}f}]"


def length_interval(metres: float, low_m: float, high_m: float) -> str:
    """A length and its interval in one unit: 62.2 [40.0, 66.9] cm."""
    text = length(metres)
    number, unit = text.split()
    return f"{number} {bounds(text, low_m, high_m)} {unit}"


def degrees_interval(value: float, low: float, high: float) -> str:
    """An angle and its interval: 2.3 [1.1, 3.3]°."""
    return f"{value:.1f} {bounds(degrees(value), low, high)}°"
