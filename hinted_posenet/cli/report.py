"""hinted-posenet report RUN...: one self-contained HTML page of several runs."""

from pathlib import Path

from hinted_posenet.core.files import check_writable


def run(runs: list[Path], out: Path, title: str | None) -> None:
    """Read the runs and write the page."""
    from hinted_posenet.evaluation.run_files import read_runs
    from hinted_posenet.reports.page.page import write_page

    check_writable(out, endings=(".html",))
    write_page(out, read_runs(runs), title)
    print(f"written: {out}")
