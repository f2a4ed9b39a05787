"""hinted-posenet VERB [WORD ...] [KEY=VALUE ...]: print help, or run the verb.

Nothing is imported up here, and nothing heavy for help: --help answers at once, and Ctrl-C finds ``main`` running.
"""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Dispatch the command line."""
    _open_streams()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not where a shell has it ignored, in the background
        signal.signal(signal.SIGINT, _leave)
    try:
        _dispatch(sys.argv[1:])
    finally:
        signal.signal(signal.SIGINT, before)


def _dispatch(words: list[str]) -> None:
    from pathlib import Path

    from hinted_posenet.cli.help import HELP, help_of, split_verb
    from hinted_posenet.core.errors import MISTAKE, UsageError, one_line_errors

    with one_line_errors(code=MISTAKE):
        if words == ["--version"]:
            from importlib.metadata import version  # takes longer to import than all help

            print(f"hinted_posenet {version('hinted_posenet')}")
            return
        verb, words = split_verb(words)
        if HELP & {verb, *words}:
            print(help_of(verb, words))
            return
    with one_line_errors(code=MISTAKE):
        try:
            Path.cwd()
        except FileNotFoundError:
            raise UsageError("the current folder was deleted; change to another one") from None
        from hinted_posenet.cli.verb import run_verb
    run_verb(verb, words)


def _open_streams() -> None:
    """Give the standard streams a place where they were closed, and let them take any character.

    A closed one would be None here, and the next file that is opened would become the output of libraries.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def raise_at_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from here on, since work has begun that has to be put away."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    """End at Ctrl-C before work has begun: an exception in the middle of an import might be swallowed there."""
    os.write(2, b"error: interrupted\n")
    os._exit(1)
