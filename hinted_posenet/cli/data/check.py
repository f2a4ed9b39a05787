"""hinted-posenet data check PATH: what is wrong with a data set."""

import argparse
import sys

from hinted_posenet.cli.parser import data_set_parser, one_line_errors

DESCRIPTION = """\
Reads a data set as training would, and tells what is wrong with it: counts, files, labels, rotations,
positions, duplicates, leaks between splits, and whether another pose convention fits the images better.
PATH is a scene, or a folder of scenes; its layout is recognised. Nothing in it is changed, save the list that
--write-exclude writes."""
EPILOG = """\
exit code: 0 where every scene is sound (notes are allowed), 1 where there are faults or nothing to check,
2 for a wrong command line.

example:
  hinted-posenet data check data/cambridge/ShopFacade --write-exclude"""


def main() -> None:
    """Check, draw, write, print; the exit code is the verdict."""
    parser = data_set_parser("data check", DESCRIPTION, EPILOG)
    add = parser.add_argument
    add("--quick", action="store_true", help="read the headers of images, decode none")
    add(
        "--write-exclude",
        nargs="?",
        const="",
        metavar="FILE",
        help="list the frames that cannot be used, for loaders to leave out (default: exclude.txt of the scene)",
    )
    arguments = parser.parse_args()
    with one_line_errors("data check"):
        sys.exit(_check(arguments))


def _check(arguments: argparse.Namespace) -> int:
    """The exit code."""
    import json

    from hinted_posenet.core.errors import InputError
    from hinted_posenet.data.checks.examine import as_json, examine, report
    from hinted_posenet.data.checks.pictures import write_exclude_list, write_pictures
    from hinted_posenet.data.formats.recognise import recognise_all

    scenes = recognise_all(arguments.path)
    if arguments.write_exclude and len(scenes) > 1:
        raise InputError(
            f"--write-exclude {arguments.write_exclude}: a file for one scene, {arguments.path} holds "
            f"{len(scenes)}; leave the name out to write exclude.txt in each"
        )
    examinations, written = [], []
    for number, found in enumerate(scenes):
        examination = examine(found, decode=not arguments.quick)
        examinations.append(examination)
        if not arguments.json:
            print(("\n" if number else "") + report(examination), flush=True)
        files = [] if arguments.no_picture else write_pictures(arguments.out, examination)
        if arguments.write_exclude is not None:
            files += write_exclude_list(examination, arguments.write_exclude)
        if not arguments.json:
            for file in files:
                print(f"  written: {file}")
        written += files
    if arguments.json:
        print(json.dumps(as_json(examinations, written), indent=2))
    return 0 if all(examination.is_sound for examination in examinations) else 1


if __name__ == "__main__":
    main()
