"""hinted-posenet VERB [WORD ...] [KEY=VALUE ...]: print help, or run the verb.

Nothing heavy is imported here, so that --help answers at once.
"""

import sys

from hinted_posenet.cli.help import HELP, help_of, split_verb
from hinted_posenet.core.errors import one_line_errors

MISTAKE = 2  # exit code of a command line that is not understood, in every verb


def main() -> None:
    """Dispatch the command line."""
    with one_line_errors(code=MISTAKE):
        if sys.argv[1:] == ["--version"]:
            from importlib.metadata import version  # takes longer to import than all help

            print(f"hinted_posenet {version('hinted_posenet')}")
            return
        verb, words = split_verb(sys.argv[1:])
        if HELP & {verb, *words}:
            print(help_of(verb, words), flush=True)
            return
    from hinted_posenet.cli.verb import run_verb

    run_verb(verb, words)
