"""A poses file against the truth, with the metrics, controls and files of a run."""

from pathlib import Path

from hinted_posenet.answer import Answer
from hinted_posenet.metric.trajectory import align
from hinted_posenet.results import pose_of, provenance, write_run
from hinted_posenet.score.matching import match
from hinted_posenet.score.poses_file import read_poses_file
from hinted_posenet.score.truth import read_truth
from hinted_posenet.stats.baselines import constant_pose
from hinted_posenet.types import InputError


def score_file(
    predictions: Path,
    truth: Path,
    split: str = "test",
    ground_truth: str | None = None,
    name: str | None = None,
    format: str | None = None,
    alignment: str = "none",
    output: Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Score poses and write results.json, poses.csv and frames.csv, as a run has them.

    Args:
        predictions: see `read_poses_file`.
        truth: see `read_truth`.
        split: of a data set.
        ground_truth: of a data set that has several.
        name: of the method in tables; None takes that of the file.
        format: of the predictions; None recognises it.
        alignment: none, rigid or similarity: moves the whole trajectory onto the true one first. That looks at
            the labels, so the result is stamped.
        output: folder to write; None takes runs/<data>/<scene>/<name>/seed-0.
        overwrite: replace results that are there.

    Returns:
        The folder.
    """
    known = read_truth(truth, split, ground_truth)
    name = name or predictions.stem
    folder = output or Path("runs", known.data["name"], known.data["scene"], name, "seed-0")
    if (folder / "results.json").is_file() and not overwrite:
        raise InputError(f"{folder}: holds results; give --overwrite, another --name or --output")
    found = match(read_poses_file(predictions, format), known.frames.name)
    true = pose_of(known.frames)
    answers = [Answer("pass 1", "network", align(found.pose, true, alignment))]
    if known.train:
        answers.insert(
            0, Answer("constant pose", "control", constant_pose(pose_of(known.train), true))
        )
    about = {
        "name": name,
        "data": known.data,
        "split": known.split,
        "seed": 0,
        "oracle": alignment != "none",
        "start_hint": "NoHint",
        **known.about,
        "notes": found.notes,
        **provenance("none"),
        "config": {
            "predictions": str(predictions),
            "truth": str(truth),
            "alignment": alignment,
            "data": {"recall_m_deg": known.thresholds},
        },
    }
    write_run(folder, about, known.frames, known.train, answers, true, known.thresholds)
    for note in found.notes:
        print(f"note: {note}")
    return folder
