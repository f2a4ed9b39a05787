"""Errors that the user can fix, and how a program ends with one line instead of a traceback."""

import errno
import os
import re
import select
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn

MISTAKE = 2  # exit code of a command line that is wrong whatever the files hold, in every verb
EXTRAS = {  # what `pip install hinted_posenet` leaves out: module -> extra that installs it
    **dict.fromkeys(("open3d", "rasterio", "distributed", "astral", "cachetools"), "simulator"),
    **dict.fromkeys(("plotly", "jinja2"), "report"),
    "rosbags": "robot",
    **dict.fromkeys(("onnx", "onnxruntime"), "export"),
    **dict.fromkeys(("fastapi", "uvicorn", "python_multipart"), "serve"),
    "rerun": "viewer",
    "pillow_heif": "heic",
    "wandb": "wandb",
}
FIXES = {  # what an operating system refused -> what to do
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free space, or choose another place"
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "choose a place where you have the permission"
    ),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "lower workers, or raise `ulimit -n`"),
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "check that the path and the current folder exist",
    errno.ENOTDIR: "a file is where a folder should be; choose another place",
    errno.EISDIR: "a folder is where a file should be; choose another place",
}
NO_MEMORY = re.compile(  # how C++, CUDA, numpy and the loader of shared libraries say it
    "out of memory|can't allocate memory|cannot allocate memory|unable to allocate|bad_alloc|"
    "failed to map segment|not enough memory",
    re.IGNORECASE,
)
LESS_MEMORY = (
    "not enough memory; lower batch_size, feature_batch_size, workers or the size of the images, "
    "or free memory"
)
MORE_ROOM = "libraries take 4 GiB of addresses; raise `ulimit -v`"


class InputError(ValueError):
    """Invalid input: one line that names the file or key, what was expected, and how to fix it.

    Line ends, control characters and what is no Unicode in names of a stranger are escaped. A traceback that a
    decoding process puts in front is left out.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(str(message).rpartition("InputError: ")[2].strip()))


class UsageError(InputError):
    """A command line that is wrong whatever the files hold; it ends with exit code 2."""


def missing_extra(error: BaseException) -> str | None:
    """Return what to install where an error, or one that caused it, is an import of an optional package."""
    found: BaseException | None = error
    while found is not None:
        name = (getattr(found, "name", None) or "").partition(".")[0]
        if isinstance(found, ModuleNotFoundError) and name in EXTRAS:
            return f"{name} is not installed; run: pip install 'hinted_posenet[{EXTRAS[name]}]'"
        found = found.__cause__ or found.__context__
    return None


@contextmanager
def one_line_errors(interrupted: str = "interrupted", code: int = 1) -> Iterator[None]:
    """Report an error that the user can fix as one line and exit with a code, and Ctrl-C with a text.

    What was printed is written out at the end, so that a full disk behind `>` is reported too. A reader that has
    gone, as in `| head -1`, ends the program as it ends others: silently, with exit code 141.
    HINTED_POSENET_DEBUG=1 shows the traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        fail(interrupted)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_has_gone():
            _discard_output()
            sys.exit(128 + signal.SIGPIPE)
        message = reason(error)
        if os.environ.get("HINTED_POSENET_DEBUG") or message is None:
            raise
        fail(message, MISTAKE if isinstance(error, UsageError) else code)


def reason(error: Exception) -> str | None:
    """Return one line about an error that the user can fix, None for any other."""
    if isinstance(error, InputError):
        return str(error)
    if extra := missing_extra(error):
        return extra
    kinds = (MemoryError, RuntimeError, ImportError, OSError)
    if isinstance(error, MemoryError) or (
        isinstance(error, kinds) and NO_MEMORY.search(str(error))
    ):
        return LESS_MEMORY if not isinstance(error, ImportError) else f"{error}; {MORE_ROOM}"
    if isinstance(error, OSError) and error.strerror:
        place = error.filename if error.filename is not None else "output"
        fix = FIXES.get(error.errno or 0, "choose another place")
        return f"{place}: {error.strerror}; {fix}"
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object!a}: cannot be written as {error.encoding}; rename it, or set PYTHONUTF8=1"
    return None


def near(word: str, choices: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean x?" where one of the choices is similar, else nothing."""
    close = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def printable(text: str) -> str:
    """Return text for a terminal: on one line, without control characters and what is no Unicode."""
    shown = text
    if not text.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown if len(shown) < 2000 else f"{shown[:1000]} ... {shown[-900:]}"


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a line to the standard error stream and exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    sys.stderr.write(f"error: {printable(message)}\n")
    sys.stderr.flush()
    sys.exit(code)


def _reader_has_gone() -> bool:
    """Return whether nothing reads the standard output any more, which a broken pipe elsewhere does not tell."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))


def _discard_output() -> None:
    """Send what Python writes at its exit nowhere: it could not be written before."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
