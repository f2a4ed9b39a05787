"""What a check has to say, and words for its numbers."""

from collections.abc import Collection
from typing import Literal, NamedTuple

Severity = Literal["ok", "note", "warning", "error"]
FAULTS: tuple[Severity, ...] = ("warning", "error")  # a data set with one of these is not sound


class Finding(NamedTuple):
    """One thing that a check found, good or bad."""

    check: str  # name of the check, e.g. "positions"
    severity: Severity
    message: str  # one line
    frames: dict[str, str] = {}  # the frames that are meant -> what is wrong with each  # noqa: RUF012
    fix: str = ""  # what to do about it


def metres(value_m: float) -> str:
    """A length in the unit that reads best."""
    if value_m < 0.01:
        return f"{1000 * value_m:.2g} mm"
    if value_m < 1:
        return f"{100 * value_m:.2g} cm"
    return f"{value_m:.1f} m" if value_m < 1000 else f"{value_m / 1000:,.0f} km"


def counted(things: Collection[object] | int, noun: str) -> str:
    """``1 frame``, ``2,500 frames``."""
    count = things if isinstance(things, int) else len(things)
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
