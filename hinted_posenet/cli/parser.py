"""Parsers of the verbs that read their arguments themselves."""

import argparse
from pathlib import Path


def verb_parser(verb: str, description: str | None, epilog: str) -> argparse.ArgumentParser:
    """A parser whose help keeps the line breaks of these texts."""
    return argparse.ArgumentParser(
        prog=f"hinted-posenet {verb}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def data_set_parser(verb: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """A parser of PATH, and of where pictures and numbers go."""
    parser = verb_parser(verb, description, epilog)
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="a scene, or a folder of scenes")
    add("--json", action="store_true", help="print one JSON object and nothing else")
    folder = "folder for pictures (default: here)"
    add("--out", type=Path, default=Path(), metavar="DIR", help=folder)
    add("--no-picture", action="store_true", help="draw nothing")
    return parser
