"""Score a poses file against the truth, with the metrics, controls and files of a run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.controls import constant_pose
from hinted_posenet.evaluation.metrics import align
from hinted_posenet.evaluation.poses_file import PosesFile, read_poses_file, refuse
from hinted_posenet.evaluation.predictions import Answer
from hinted_posenet.evaluation.truth import read_truth
from hinted_posenet.evaluation.write_run import pose_of, provenance, write_run

SUFFIX = re.compile(r"(\.color|\.rgb)?\.(png|jpe?g|bmp|webp|tiff?)$", re.IGNORECASE)
MAX_DIFFERENCE_S = 0.01  # between times that mean one frame; evo's default


class Matched(NamedTuple):
    """Answers to N frames."""

    pose: Pose  # (N,) NaN where there is none
    notes: list[str]  # what was not answered


def match(answers: PosesFile, frames: Sequence[str]) -> Matched:
    """Poses in the order of the frames (N,).

    Names are compared as they are, or if that finds nothing without the suffixes of images; times are compared
    with the names of the images, which are times then, to `MAX_DIFFERENCE_S`.

    Raises:
        InputError: names the lines whose frames are not among those to answer, or are answered twice.
    """
    rows = _rows(answers, frames)
    unknown = np.flatnonzero(rows < 0)
    if len(unknown) == len(rows):
        raise InputError(
            f"{answers.where[0]}: {answers.names[0]} is none of the {len(frames)} frames, and neither is any "
            f"other name of the file; frames have names like {frames[0]}"
        )
    refuse(
        [
            f"{answers.where[i]}: {answers.names[i]} is none of the {len(frames)} frames; remove the line, or "
            "score another split"
            for i in unknown
        ]
    )
    first: dict[int, str] = {}
    twice = []
    for index, row in enumerate(rows.tolist()):
        if row in first:
            twice.append(f"{answers.where[index]}: answers {frames[row]}, as {first[row]} does")
        first[row] = answers.where[index]
    refuse(twice)
    t = torch.full((len(frames), 3), torch.nan, dtype=torch.float64)
    q = torch.full((len(frames), 4), torch.nan, dtype=torch.float64)
    t[rows], q[rows] = answers.T_world_cam
    return Matched(Pose(t, q), _notes(answers, frames, rows))


def _rows(answers: PosesFile, frames: Sequence[str]) -> NDArray[np.int64]:
    """For each answer the row of its frame, -1 for none."""
    if answers.format == "tum":
        return _rows_by_time(answers, frames)
    for simplify in (str, _stem):
        number = {simplify(name): row for row, name in enumerate(frames)}
        rows = [number.get(simplify(name), -1) for name in answers.names]
        if len(number) == len(frames) and max(rows) >= 0:
            break
    return np.array(rows)


def _rows_by_time(answers: PosesFile, frames: Sequence[str]) -> NDArray[np.int64]:
    stems = [_stem(name).rpartition("/")[2] for name in frames]
    try:
        times_s = np.array(stems, dtype=np.float64)
        asked_s = np.array(answers.names, dtype=np.float64)
    except ValueError:
        raise InputError(
            f"{answers.where[0]}: a TUM trajectory has times, but frames have names like {frames[0]}; write "
            "lines `name qw qx qy qz tx ty tz` (world-to-camera) and give --format text"
        ) from None
    order = np.argsort(times_s)
    after = np.searchsorted(times_s, asked_s, sorter=order).clip(1, max(len(order) - 1, 1))
    pair = order[np.stack([after - 1, np.minimum(after, len(order) - 1)])]
    gap_s = np.abs(times_s[pair] - asked_s)
    rows = np.take_along_axis(pair, gap_s.argmin(axis=0)[None], axis=0)[0]
    return np.where(gap_s.min(axis=0) <= MAX_DIFFERENCE_S, rows, -1)


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _notes(answers: PosesFile, frames: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    failed = torch.cat(answers.T_world_cam, dim=1).isnan().any(dim=1).nonzero()[:, 0].tolist()
    missing = np.setdiff1d(np.arange(len(frames)), rows).tolist()
    kinds = {
        "poses are NaN": [answers.where[i] for i in failed],
        f"of {len(frames)} frames have no pose": [frames[i] for i in missing],
    }
    notes = []
    for what, those in kinds.items():
        if those:
            some = ", ".join(those[:3]) + (", ..." if len(those) > 3 else "")
            notes.append(f"{len(those)} {what} ({some}); they count as failures")
    return notes


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
        "inference_hint": "NoHint",
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
