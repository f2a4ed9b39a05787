"""How errors grow with area, months and altitude, over runs of many scenes."""

import argparse
from pathlib import Path

from hinted_posenet.core.errors import one_line_errors


def main() -> None:
    """Print the tables; write them and the figure where asked."""
    what = "How errors grow with area, months and altitude. See docs/aerial.md."
    parser = argparse.ArgumentParser(description=what)
    axes = {
        "area": "of scenes of different area, each with as many training views",
        "density": "of scenes of different area, each with as many training views per area",
        "months": "of scenes that are tested at other times of the year than they were trained",
        "altitude": "of scenes with test flights named after their altitude: test_300m",
    }
    for name, what in axes.items():
        parser.add_argument(f"--{name}", nargs="*", type=Path, metavar="RUN", help=f"runs {what}")
    parser.add_argument(
        "--insert",
        type=Path,
        metavar="FILE",
        help="also put the tables between <!-- begin aerial --> and <!-- end aerial --> of FILE",
    )
    parser.add_argument("--figure", type=Path, help="also draw a figure (.png, .jpg, .svg, .pdf)")
    arguments = parser.parse_args()
    folders = {name: getattr(arguments, name) for name in axes if getattr(arguments, name)}
    if not folders:
        parser.error(f"give the folders of runs after --{', --'.join(axes)}")
    with one_line_errors():
        from growth_figure import growth_table
        from growth_fit import AXES

        from hinted_posenet.core.tables import insert_text
        from hinted_posenet.evaluation.run_files import read_scenes

        curves = {
            AXES[name]: AXES[name].curves(read_scenes(same)) for name, same in folders.items()
        }
        text = "\n\n\n".join(growth_table(axis, found) for axis, found in curves.items())
        print(text)
        if arguments.insert:
            insert_text(arguments.insert, "aerial", f"```text\n{text}\n```")
        if arguments.figure:
            from growth_figure import growth_figure

            growth_figure(arguments.figure, curves)
            print(f"written: {arguments.figure}")


if __name__ == "__main__":
    main()
