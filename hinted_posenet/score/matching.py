"""Which pose answers which frame."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.score.poses_file import PosesFile, refuse
from hinted_posenet.types import InputError, Pose

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
