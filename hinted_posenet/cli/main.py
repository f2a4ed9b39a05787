"""hinted-posenet VERB [key=value ...]: finds the verb's module and runs it as the main program.

``data`` has verbs of its own, which are modules of `cli.data`.

runpy, rather than a call: Lightning starts the further processes of a multi-GPU run with the
command line of ``__main__``, which then is the verb itself. Nothing heavy is imported here, so that
--help answers at once.
"""

import runpy
import sys
from collections.abc import Iterable
from difflib import get_close_matches

from hinted_posenet.cli import help as texts
from hinted_posenet.cli.config_files import groups_of
from hinted_posenet.cli.parser import fail, one_line_errors
from hinted_posenet.core.extensions import extension_configs


def main() -> None:
    """Dispatch the command line."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version  # takes longer to import than all help

        print(f"hinted_posenet {version('hinted_posenet')}")
        return
    try:
        extension_configs()
    except ModuleNotFoundError as error:
        fail(str(error))
    verb = _verb(1, texts.VERBS, texts.main_help())
    if verb == "data":
        verb = f"data {_verb(2, texts.DATA_VERBS, texts.data_help())}"
    words = verb.split()
    arguments = sys.argv[1 + len(words) :]
    if verb in texts.HYDRA_VERBS and {"-h", "--help"} & set(arguments):
        named = [word.partition("=")[0] for word in arguments if not word.startswith("-")]
        groups = [_choice("group", name, groups_of(verb)) for name in named if "." not in name]
        pages = [texts.group_help(verb, group) for group in groups] or [texts.verb_help(verb)]
        with one_line_errors():
            print("\n\n".join(pages), flush=True)
        return
    sys.argv[1 : 1 + len(words)] = []
    module = ".".join(words).replace("import", "import_")  # `import` is no name in Python
    runpy.run_module(f"hinted_posenet.cli.{module}", run_name="__main__", alter_sys=True)


def _verb(position: int, verbs: Iterable[str], help_text: str) -> str:
    """The word at a position of the command line; help, or an answer to a mistake, ends the program."""
    verb = sys.argv[position] if len(sys.argv) > position else "--help"
    if verb in ("-h", "--help", "help"):
        print(help_text)
        sys.exit()
    return _choice("verb", verb, verbs)


def _choice(kind: str, word: str, choices: Iterable[str]) -> str:
    choices = list(choices)
    if word not in choices:
        close = get_close_matches(word, choices, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        sys.exit(f"error: unknown {kind} {word}; choose one of {', '.join(choices)}{hint}")
    return word


if __name__ == "__main__":
    main()
