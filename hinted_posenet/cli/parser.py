"""Parsers of the verbs that read their arguments themselves."""

import argparse
from pathlib import Path
from typing import NoReturn


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
