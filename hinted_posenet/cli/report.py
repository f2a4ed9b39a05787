"""hinted-posenet report RUN...: one self-contained HTML page of several runs."""

from pathlib import Path

from hinted_posenet.core.errors import InputError


def run(runs: list[Path], out: Path, title: str | None) -> None:
    """Read the runs and write the page."""
    from hinted_posenet.evaluation.run_files import read_runs
    from hinted_posenet.reports.page.page import write_page

    if out.suffix != ".html":
        raise InputError(f"out={out}: end it with .html")
    write_page(out, read_runs(runs), title)
    print(f"written: {out}")
