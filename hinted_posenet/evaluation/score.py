"""Score a poses file against the truth (a dataset, a run or a file), with the metrics and files of a run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.types import Pose
from hinted_posenet.data.formats.layout import check_name
from hinted_posenet.evaluation.match import TOLERANCE_S, Pairs, pair
from hinted_posenet.evaluation.metrics import align
from hinted_posenet.evaluation.pose_rows import PosesFile
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.evaluation.predictions import MethodAnswer, constant_answer, step_name
from hinted_posenet.evaluation.truth import read_truth
from hinted_posenet.evaluation.write_run import pose_of, provenance, write_run


def score_file(
    predictions: Path,
    truth: Path,
    split: str = "test",
    ground_truth: str | None = None,
    name: str | None = None,
    format: str | None = None,
    alignment: str = "none",
    out: Path | None = None,
    overwrite: bool = False,
    time_tolerance_s: float = TOLERANCE_S,
) -> Path:
    """Score poses and write results.json, poses.csv and frames.csv, as a run has them -> their folder.

    For ``predictions`` see `read_poses_file`; None recognizes their ``format``, and names the method after
    their file. For ``truth``, ``split`` and ``ground_truth`` see `read_truth`. An ``alignment``, none, rigid or
    similarity, aligns the whole trajectory to the true one first; this uses the labels, so the result is marked
    as an oracle's, and uncertainties, which are of the world before it was moved, are left out. For ``out`` None
    takes runs/<data>/<scene>/<name>/seed-0. Times that are at most ``time_tolerance_s`` apart mean one frame.
    Frames without a pose are failures; of a trajectory, which may be denser than the poses, only frames with one
    are scored.

    Raises:
        InputError: A file is wrong, nothing can be paired, or the results could not be written.
    """
    known = read_truth(truth, split, ground_truth)
    name = name or predictions.stem
    check_name(name, "name")
    folder = out or Path("runs", known.data["name"], known.data["scene"], name, "seed-0")
    if not out and (len(Path(name).parts) != 1 or ".." in folder.parts):
        raise InputError(
            f"name={name}: expected a name without folders; give another, or out=FOLDER"
        )
    if (folder / "results.json").is_file() and not overwrite:
        raise InputError(f"{folder}: holds results; give overwrite=true, another name= or out=")
    check_writable(folder / "results.json")
    answers_file = read_poses_file(predictions, format)
    pairs = pair(answers_file, known.targets, time_tolerance_s)
    if known.targets.times_s is not None:
        known = known.of(pairs.frame.tolist())
        pairs = pairs._replace(frame=np.arange(len(pairs.frame)))
    pose, covariance = answers_of(answers_file, pairs, len(known.frames.name))
    notes = [*(known.file.notes if known.file else ()), *pairs.notes]
    notes += failures(answers_file, pairs, known.frames.name)
    true = pose_of(known.frames)
    oracle = alignment != "none"
    pose = align(pose, true, alignment)
    covariance = None if oracle else covariance
    answers = [MethodAnswer(step_name(1), "network", pose, covariance, step=1, oracle=oracle)]
    if known.train:
        answers.insert(0, constant_answer(pose_of(known.train), true))
    about = {
        "name": name,
        "data": known.data,
        "split": known.split,
        "seed": 0,
        "oracle": oracle,
        "inference_hint": {"name": "none"},
        **known.about,
        "notes": notes,
        "coverage": pairs.coverage,
        **provenance("none"),
        "config": {
            "predictions": str(predictions),
            "truth": str(truth),
            "alignment": alignment,
            "time_tolerance_s": time_tolerance_s,
            "data": {"recall_m_deg": known.thresholds},
        },
    }
    write_run(folder, about, known.frames, known.train, answers, true, known.thresholds)
    return folder


def answers_of(found: PosesFile, pairs: Pairs, count: int) -> tuple[Pose, Tensor | None]:
    """Return poses of ``count`` frames, NaN where none is given, and covariances, None where none is stated."""
    t, q = (torch.full((count, n), torch.nan, dtype=torch.float64) for n in (3, 4))
    t[pairs.frame], q[pairs.frame] = (part[pairs.answer] for part in found.T_world_cam)
    if found.covariance is None:
        return Pose(t, q), None
    covariance = torch.full((count, 6, 6), torch.nan, dtype=torch.float64)
    covariance[pairs.frame] = found.covariance[pairs.answer]
    return Pose(t, q), covariance


def failures(found: PosesFile, pairs: Pairs, frames: Sequence[str]) -> list[str]:
    """Return notes on poses of NaN and frames without a pose."""
    missing = np.setdiff1d(np.arange(len(frames)), pairs.frame).tolist()
    kinds = {
        "poses are NaN": [found.where[i] for i in found.failed],
        f"of {len(frames)} frames have no pose": [frames[i] for i in missing],
    }
    notes = []
    for what, those in kinds.items():
        if those:
            some = ", ".join(those[:3]) + (", ..." if len(those) > 3 else "")
            notes.append(f"{len(those)} {what} ({some}); they count as failures")
    return notes
