"""Parsers of the verbs that read their arguments themselves, and mistakes of the user as one line."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
        from hinted_posenet.core.errors import (
            InputError,  # imports torch, as what raised it has done
        )

        if os.environ.get("HINTED_POSENET_DEBUG") or not isinstance(error, InputError):
            raise
        # an error in a decoding process arrives with that process's traceback in front
        fail(str(error).rpartition("InputError: ")[2].strip())


def fail(message: str) -> NoReturn:
    """Print and exit with code 1."""
    sys.stderr.write(f"error: {message}\n")
    sys.stderr.flush()
    sys.exit(1)


class VerbParser(argparse.ArgumentParser):
    """Keeps the line breaks of its texts, and answers a mistake in one line."""

    def __init__(self, verb: str, description: str | None = None, epilog: str | None = None):
        super().__init__(
            prog=f"hinted-posenet {verb}",
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with code 2."""
        self.exit(2, f"error: {message}; {self.prog} --help tells the options\n")


def data_set_parser(verb: str, description: str, epilog: str) -> VerbParser:
    """A parser of PATH, and of where pictures and numbers go."""
    parser = VerbParser(verb, description, epilog)
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="a scene, or a folder of scenes")
    add("--json", action="store_true", help="print one JSON object and nothing else")
    folder = "folder for pictures (default: here)"
    add("--out", type=Path, default=Path(), metavar="DIR", help=folder)
    add("--no-picture", action="store_true", help="draw nothing")
    return parser
