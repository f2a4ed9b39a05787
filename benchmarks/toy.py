"""Why a hint helps, on a problem of one dimension."""

import argparse
from pathlib import Path

from hinted_posenet.core.errors import one_line_errors

DESCRIPTION = """\
Trains small networks to find t from y = t + 0.3 sin(2 pi t), which up to three t have in common: without a hint,
and with hints of every sigma. Prints their errors and draws a figure. See docs/toy.md."""


def main() -> None:
    """Train, print, draw."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    add = parser.add_argument
    figure = "the figure (.png, .jpg, .svg, .pdf); default %(default)s"
    add("--output", type=Path, default=Path("toy.png"), metavar="FILE", help=figure)
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default 0 1 2")
    add("--steps", type=int, default=1000, help="of every training; default %(default)s")
    add(
        "--insert",
        type=Path,
        metavar="FILE",
        help="also put the tables between <!-- begin toy --> and <!-- end toy --> of FILE",
    )
    arguments = parser.parse_args()
    with one_line_errors():
        _toy(arguments)


def _toy(arguments: argparse.Namespace) -> None:
    import torch
    from toy_figure import draw_study, study_table
    from toy_study import study

    from hinted_posenet.core.errors import InputError
    from hinted_posenet.core.tables import insert_text

    output: Path = arguments.output
    if output.suffix not in (".png", ".jpg", ".svg", ".pdf"):
        raise InputError(f"--output {output}: end it with .png, .jpg, .svg or .pdf")
    if min(arguments.seeds) < 0:
        raise InputError(f"--seeds {min(arguments.seeds)}: give numbers of at least 0")
    if arguments.steps < 10:
        raise InputError(f"--steps {arguments.steps}: give at least 10")
    torch.set_num_threads(1)  # the networks are so small that threads only wait for each other
    found = study(arguments.seeds, arguments.steps)
    table = study_table(found)
    print(table)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw_study(output, found)
    print(f"written: {output}")
    if arguments.insert:
        insert_text(arguments.insert, "toy", f"```text\n{table}\n```")


if __name__ == "__main__":
    main()
