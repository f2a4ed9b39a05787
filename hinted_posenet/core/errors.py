"""Errors that the user can fix, and how a program ends with one line instead of a traceback."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn

EXTRAS = {  # what `pip install hinted_posenet` leaves out: module -> extra that installs it
    **dict.fromkeys(("open3d", "rasterio", "distributed", "astral", "cachetools"), "simulator"),
    **dict.fromkeys(("plotly", "jinja2"), "report"),
    "wandb": "wandb",
}


class InputError(ValueError):
    """Invalid input: one line that names the file or key, what was expected, and how to fix it."""


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
    """Report an InputError or a missing extra as one line and exit with a code, and Ctrl-C with a text.

    HINTED_POSENET_DEBUG=1 shows the traceback.
    """
    try:
        yield
    except BrokenPipeError:  # `| head` has read enough; nothing is left to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        fail(interrupted)
    except Exception as error:
        # an error in a decoding process arrives with that process's traceback in front
        own = str(error).rpartition("InputError: ")[2].strip()
        message = own if isinstance(error, InputError) else missing_extra(error)
        if os.environ.get("HINTED_POSENET_DEBUG") or message is None:
            raise
        fail(message, code)


def near(word: str, choices: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean x?" where one of the choices is similar, else nothing."""
    close = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a line to the standard error stream and exit."""
    sys.stderr.write(f"error: {message}\n")
    sys.stderr.flush()
    sys.exit(code)
