"""hinted-posenet VERB [key=value ...]: finds the verb's module and runs it as the main program.

runpy, rather than a call: Lightning starts the further processes of a multi-GPU run with the
command line of ``__main__``, which then is the verb itself. Nothing heavy is imported here, so that
--help answers at once.
"""

import difflib
import runpy
import sys

from hinted_posenet.cli.help import VERBS, main_help, verb_help


def main() -> None:
    """Dispatch the command line."""
    verb = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if verb in ("-h", "--help", "help"):
        print(main_help())
    elif verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        sys.exit(f"error: unknown verb {verb}; choose one of {', '.join(VERBS)}{hint}")
    elif {"-h", "--help"} & set(sys.argv[2:]):
        print(verb_help(verb))
    else:
        del sys.argv[1]
        runpy.run_module(f"hinted_posenet.cli.{verb}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
