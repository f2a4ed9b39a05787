"""What a check has to say."""

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
