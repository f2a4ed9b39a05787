"""hinted-posenet compare RUN...: one table, and a figure, of several runs."""

from pathlib import Path
from typing import Literal

from hinted_posenet.core.errors import InputError


def run(
    runs: list[Path],
    reference: str | None,
    published: bool,
    groups: list[str] | None,
    table_format: Literal["text", "markdown", "latex", "csv"],
    out: Path | None,
    figure: Path | None,
) -> None:
    """Print the table; write it and the figure where asked."""
    from hinted_posenet.core.figures import FIGURES
    from hinted_posenet.core.files import check_writable, write_text
    from hinted_posenet.evaluation.run_files import read_scenes
    from hinted_posenet.reports.compare import comparison, comparison_csv, comparison_of_scenes
    from hinted_posenet.reports.published import average_scenes, published_for

    if out:
        check_writable(out)
    if figure:
        check_writable(figure, "figure", FIGURES)
    scenes = read_scenes(runs)
    read = [run for same in scenes for run in same]
    known = published_for(read) if published else []
    if len(scenes) > 1:
        if table_format == "csv" or reference or groups or figure:
            raise InputError("table_format=csv, reference, groups, figure: give runs of one scene")
        average_of = average_scenes(read[0].results["data"]["name"]) if known else []
        table = comparison_of_scenes(scenes, known, average_of)
    else:
        table = comparison(read, groups, reference, known)
    text = comparison_csv(read, groups) if table_format == "csv" else getattr(table, table_format)()
    print(text)
    if out:
        write_text(out, f"{text.rstrip()}\n")
    if figure:
        from hinted_posenet.reports.positions_figure import positions_figure

        positions_figure(figure, read)
        print(f"written: {figure}")
