"""hinted-posenet score POSES truth=SET: poses of any method, scored as our own are."""

from pathlib import Path
from typing import Literal

from hinted_posenet.training.settings import Text


def run(
    poses: Path,
    truth: Path,
    split: Text,
    ground_truth: str | None,
    name: str | None,
    poses_format: Literal["text", "tum", "csv", "seven_scenes", "colmap"] | None,
    align: Literal["none", "rigid", "similarity"],
    out: Path | None,
    overwrite: bool,
) -> None:
    """Read, match, score, write and print."""
    from hinted_posenet.evaluation.run_files import read_results
    from hinted_posenet.evaluation.score import score_file
    from hinted_posenet.reports.compare import print_results

    given = (poses, truth, split, ground_truth, name, poses_format, align, out, overwrite)
    file = score_file(*given) / "results.json"
    results = read_results(file)
    print_results(results)
    print(f"written: {file}, {file.with_name('poses.csv')}, {file.with_name('frames.csv')}")
    for note in results["notes"]:
        print(f"note: {note}")
