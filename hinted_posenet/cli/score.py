"""hinted-posenet score POSES truth=SET: poses of any method, scored as our own are."""

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge

from hinted_posenet.training.settings import Text

Format = Literal["text", "tum", "euroc", "kitti", "csv", "seven_scenes", "colmap"]


def run(
    poses: Path,
    truth: Path,
    split: Text,
    ground_truth: str | None,
    name: str | None,
    poses_format: Format | None,
    time_tolerance_s: Annotated[float, Ge(0)],
    align: Literal["none", "rigid", "similarity"],
    out: Path | None,
    overwrite: bool,
    verbose: bool,
) -> None:
    """Read, match, score, write and print."""
    from hinted_posenet.evaluation.results_file import read_results
    from hinted_posenet.evaluation.score import score_file
    from hinted_posenet.reports.summary import print_result
    from hinted_posenet.reports.trajectory_lines import trajectory_lines

    given = (
        poses,
        truth,
        split,
        ground_truth,
        name,
        poses_format,
        align,
        out,
        overwrite,
        time_tolerance_s,
    )
    file = score_file(*given) / "results.json"
    results = read_results(file)
    print_result(results, verbose)
    if lines := trajectory_lines(results):
        print(f"\n{lines}")
    print(f"written: {file}, {file.with_name('poses.csv')}, {file.with_name('frames.csv')}")
    for note in results["notes"]:
        print(f"note: {note}")
