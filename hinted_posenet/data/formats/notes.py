"""What readers say of a data set that they read all the same: in the log, or to whoever collects it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

log = logging.getLogger(__name__)

_collected: ContextVar[list[str] | None] = ContextVar("notes", default=None)


def note(message: str) -> None:
    """Say one line of the data set that is read: every split says the same, so the log has it once."""
    notes = _collected.get()
    if notes is None:
        _log_once(message)
    elif message not in notes:
        notes.append(message)


@contextmanager
def collected_notes() -> Iterator[list[str]]:
    """Collect what is said within, instead of logging it."""
    notes: list[str] = []
    token = _collected.set(notes)
    try:
        yield notes
    finally:
        _collected.reset(token)


@lru_cache(1024)
def _log_once(message: str) -> None:
    log.warning("%s", message)
