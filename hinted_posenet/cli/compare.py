"""hinted-posenet compare RUN...: one table, and a figure, of several runs."""

import argparse
from pathlib import Path

from hinted_posenet.cli.errors import one_line_errors


def main() -> None:
    """Print the table; write it and the figure where asked."""
    parser = argparse.ArgumentParser(prog="hinted-posenet compare")
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="folders with results.json"
    )
    parser.add_argument(
        "--insert",
        nargs=2,
        metavar=("FILE", "MARKER"),
        help="also put the table, as Markdown, between <!-- begin MARKER --> and <!-- end MARKER --> of FILE",
    )
    parser.add_argument(
        "--groups", nargs="+", metavar="GROUP", help="frames to break down by, as in results.json"
    )
    parser.add_argument(
        "--figure",
        type=Path,
        help="also draw true and predicted positions (.png, .jpg, .svg, .pdf)",
    )
    arguments = parser.parse_args()
    with one_line_errors():
        from hinted_posenet.report.compare import comparison, insert_text
        from hinted_posenet.report.runs import read_runs

        runs = read_runs(arguments.runs)
        print(comparison(runs, arguments.groups))
        if arguments.insert:
            file, marker = arguments.insert
            insert_text(Path(file), marker, comparison(runs, arguments.groups, markdown=True))
        if arguments.figure:
            from hinted_posenet.report.figure import positions_figure

            positions_figure(arguments.figure, runs)
            print(f"written: {arguments.figure}")


if __name__ == "__main__":
    main()
