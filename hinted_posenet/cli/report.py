"""hinted-posenet report RUN...: one self-contained HTML page of several runs."""

from pathlib import Path

from hinted_posenet.cli.errors import fail, one_line_errors
from hinted_posenet.cli.parser import verb_parser

EPILOG = """\
examples:
  hinted-posenet report runs/seven_scenes/redkitchen/*/seed-*
  hinted-posenet report runs/aerial/naip/hinted_fusion/seed-0/from-* --output hints.html"""


def main() -> None:
    """Read the runs and write the page."""
    what = (
        "Tables, plots and pictures of runs of one scene in one HTML file, which needs no network."
    )
    parser = verb_parser("report", what, EPILOG)
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="folders with results.json")
    output = "the page; default %(default)s"
    add("--output", type=Path, default=Path("report.html"), metavar="FILE", help=output)
    add("--title", help="heading of the page; default: scene and split")
    arguments = parser.parse_args()
    with one_line_errors():
        from hinted_posenet.report.page.page import write_page
        from hinted_posenet.report.runs import read_runs

        if arguments.output.suffix != ".html":
            fail(f"--output {arguments.output}: end it with .html")
        write_page(arguments.output, read_runs(arguments.runs), arguments.title)
        print(f"written: {arguments.output}")


if __name__ == "__main__":
    main()
