"""hinted-posenet report RUN...: one self-contained HTML page of several runs."""

from pathlib import Path

from hinted_posenet.cli.parser import VerbParser, fail, one_line_errors

EPILOG = """\
examples:
  hinted-posenet report runs/seven_scenes/redkitchen/*/seed-*
  hinted-posenet report runs/aerial/naip/hinted_fusion/seed-0/from-* --output hints.html"""


def main() -> None:
    """Read the runs and write the page."""
    what = (
        "Tables, plots and pictures of runs of one scene in one HTML file, which needs no network."
    )
    parser = VerbParser("report", what, EPILOG)
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="folders with results.json")
    output = "the page; default %(default)s"
    add("--output", type=Path, default=Path("report.html"), metavar="FILE", help=output)
    add("--title", help="heading of the page; default: scene and split")
    arguments = parser.parse_args()
    with one_line_errors():
        from hinted_posenet.evaluation.run_files import read_runs
        from hinted_posenet.reports.page.page import write_page

        if arguments.output.suffix != ".html":
            fail(f"--output {arguments.output}: end it with .html")
        write_page(arguments.output, read_runs(arguments.runs), arguments.title)
        print(f"written: {arguments.output}")


if __name__ == "__main__":
    main()
