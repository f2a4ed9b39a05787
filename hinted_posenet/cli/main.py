"""hinted-posenet VERB [key=value ...]: finds the verb's module and runs it as the main program.

``data`` has verbs of its own, which are modules of `cli.data`.

runpy, rather than a call: Lightning starts the further processes of a multi-GPU run with the
command line of ``__main__``, which then is the verb itself. Nothing heavy is imported here, so that
--help answers at once.
"""

import difflib
import runpy
import sys
from collections.abc import Callable, Mapping

from hinted_posenet.cli.help import DATA_VERBS, HYDRA_VERBS, VERBS, data_help, main_help, verb_help
from hinted_posenet.extensions import extension_configs


def main() -> None:
    """Dispatch the command line."""
    try:
        extension_configs()
    except ModuleNotFoundError as error:
        sys.exit(f"error: {error}")
    verb = _verb(1, VERBS, main_help)
    if verb == "data":
        verb = f"data {_verb(2, DATA_VERBS, data_help)}"
    words = verb.split()
    if verb in HYDRA_VERBS and {"-h", "--help"} & set(sys.argv[1 + len(words) :]):
        print(verb_help(verb))
        return
    sys.argv[1 : 1 + len(words)] = []
    module = ".".join(words).replace("import", "import_")  # `import` is no name in Python
    runpy.run_module(f"hinted_posenet.cli.{module}", run_name="__main__", alter_sys=True)


def _verb(position: int, verbs: Mapping[str, str], help_text: Callable[[], str]) -> str:
    """The word at a position of the command line; help, or an answer to a mistake, ends the program."""
    verb = sys.argv[position] if len(sys.argv) > position else "--help"
    if verb in ("-h", "--help", "help"):
        print(help_text())
        sys.exit()
    if verb not in verbs:
        close = difflib.get_close_matches(verb, verbs, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        sys.exit(f"error: unknown verb {verb}; choose one of {', '.join(verbs)}{hint}")
    return verb


if __name__ == "__main__":
    main()
