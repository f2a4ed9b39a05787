"""hinted-posenet compare RUN...: one table, and a figure, of several runs."""

import argparse
from pathlib import Path

from hinted_posenet.cli.parser import VerbParser, fail, one_line_errors

EPILOG = """\
examples:
  hinted-posenet compare runs/aerial/naip/*/seed-? --reference null_hint
  hinted-posenet compare runs/seven_scenes/*/posenet/seed-0 --published --format latex --output table.tex

Medians over frames, means over seeds, 95 % bootstrap intervals over seeds, sequences and frames. Runs of several
scenes become a column a scene. Different data sets, ground truths, splits or frames are refused."""


def main() -> None:
    """Print the table; write it and the figure where asked."""
    parser = VerbParser("compare", None, EPILOG)
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="folders with results.json")
    add("--reference", metavar="METHOD", help="a line of the table to test the others against")
    add(
        "--published",
        action="store_true",
        help="add medians of published methods, where they are of the same frames and ground truth",
    )
    add("--groups", nargs="+", metavar="GROUP", help="frames to break down by, as in results.json")
    formats = ["text", "markdown", "latex", "csv"]
    add("--format", choices=formats, default="text", help="csv has every metric in full")
    add("--output", type=Path, help="write the table to a file too")
    add(
        "--insert",
        nargs=2,
        metavar=("FILE", "MARKER"),
        help="also put the table, as Markdown, between <!-- begin MARKER --> and <!-- end MARKER --> of FILE",
    )
    add(
        "--figure",
        type=Path,
        help="also draw true and predicted positions (.png, .jpg, .svg, .pdf)",
    )
    arguments = parser.parse_args()
    with one_line_errors():
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    """The table in the formats that are asked for, then the figure."""
    from hinted_posenet.core.files import write_text
    from hinted_posenet.core.tables import insert_text
    from hinted_posenet.evaluation.run_files import read_scenes
    from hinted_posenet.reports.compare import comparison, comparison_csv, comparison_of_scenes
    from hinted_posenet.reports.published import average_scenes, published_for

    scenes = read_scenes(arguments.runs)
    runs = [run for same in scenes for run in same]
    published = published_for(runs) if arguments.published else []
    if len(scenes) > 1:
        if arguments.format == "csv" or arguments.reference or arguments.groups or arguments.figure:
            fail("--format csv, --reference, --groups, --figure: give runs of one scene")
        average_of = average_scenes(runs[0].results["data"]["name"]) if published else []
        table = comparison_of_scenes(scenes, published, average_of)
    else:
        table = comparison(runs, arguments.groups, arguments.reference, published)
    if arguments.format == "csv":
        text = comparison_csv(runs, arguments.groups)
    else:
        text = getattr(table, arguments.format)()
    print(text)
    if arguments.output:
        write_text(arguments.output, f"{text.rstrip()}\n")
    if arguments.insert:
        file, marker = arguments.insert
        insert_text(Path(file), marker, table.markdown())
    if arguments.figure:
        from hinted_posenet.reports.positions_figure import positions_figure

        positions_figure(arguments.figure, runs)
        print(f"written: {arguments.figure}")


if __name__ == "__main__":
    main()
