"""What a program says at its end, and with which exit code."""

import errno

import numpy as np
import pytest

from hinted_posenet.core.errors import InputError, UsageError, one_line_errors, printable, reason


def answer(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    with pytest.raises(SystemExit) as stopped, one_line_errors("stopped; go on"):
        raise error
    return stopped.value.code, capsys.readouterr().err


LINES = [
    (InputError("x: wrong; mend it"), 1, "error: x: wrong; mend it\n"),
    (UsageError("x: unknown"), 2, "error: x: unknown\n"),
    (KeyboardInterrupt(), 1, "error: stopped; go on\n"),
    (InputError("a\nb\x1b[31m\udcff\u00e4"), 1, "error: a\\nb\\x1b[31m\\udcff\u00e4\n"),
    (OSError(errno.ENOSPC, "No space left on device", "a.txt"), 1, "a.txt: No space left"),
    (OSError(errno.EROFS, "Read-only file system", "a.txt"), 1, "where you have the permission"),
    (OSError(errno.EMFILE, "Too many open files"), 1, "lower workers, or raise `ulimit -n`"),
    (MemoryError(), 1, "not enough memory; lower batch_size"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "not enough memory; lower"),
    (ImportError("libtorch.so: failed to map segment from shared object"), 1, "raise `ulimit -v`"),
    (UnicodeEncodeError("utf-8", "\udcff.jpg", 0, 1, "no"), 1, "cannot be written as utf-8"),
]


@pytest.mark.parametrize(("error", "code", "line"), LINES, ids=lambda value: type(value).__name__)
def test_an_error_that_a_user_can_fix_is_one_line(error, code, line, capsys):
    found, told = answer(error, capsys)
    assert found == code
    assert line in told
    assert told.count("\n") == 1


def test_memory_that_numpy_cannot_get_is_told():
    with pytest.raises(MemoryError) as found:
        np.empty(1 << 60, np.uint8)
    assert "not enough memory" in (reason(found.value) or "")


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_line_errors():
        raise ZeroDivisionError


def test_the_traceback_is_shown_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("HINTED_POSENET_DEBUG", "1")
    with pytest.raises(InputError), one_line_errors():
        raise InputError("wrong")


def test_a_very_long_word_does_not_fill_the_terminal():
    assert len(printable("x" * 1_000_000)) < 2000
