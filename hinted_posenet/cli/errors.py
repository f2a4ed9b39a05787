"""Mistakes of the user as one line; imports nothing heavy."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

INTERRUPTED = {
    "train": "interrupted; run again with resume=true to continue",
    "simulate": "interrupted; the same command goes on from here",
    "study": "interrupted; the same command goes on from here",
    "data fetch": "interrupted; the same command goes on from here",
}


@contextmanager
def one_line_errors(verb: str = "") -> Iterator[None]:
    """InputError as one line and exit code 1, without a traceback; HINTED_POSENET_DEBUG=1 shows it all."""
    try:
        yield
    except BrokenPipeError:  # `| head` has read enough; nothing is left to be told at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        fail(INTERRUPTED.get(verb, "interrupted"))
    except Exception as error:
        from hinted_posenet.types import InputError  # imports torch, as what raised it has done

        if os.environ.get("HINTED_POSENET_DEBUG") or not isinstance(error, InputError):
            raise
        # an error in a decoding process arrives with that process's traceback in front
        fail(str(error).rpartition("InputError: ")[2].strip())


def fail(message: str) -> NoReturn:
    """Print and exit with code 1."""
    sys.stderr.write(f"error: {message}\n")
    sys.stderr.flush()
    sys.exit(1)
