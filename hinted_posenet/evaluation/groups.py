"""Frames in groups, and what each method scores on each: the rows of results.json."""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.frames_file import Frames
from hinted_posenet.evaluation.metrics import (
    Thresholds,
    aerial_summary,
    pose_errors,
    summary,
    trajectory_errors,
)
from hinted_posenet.evaluation.predictions import Answer
from hinted_posenet.evaluation.run_files import HINT_ANSWER

Groups = dict[str, NDArray[np.bool_]]  # name -> frames (N,)
BANDS = 4  # of hint errors, of equal counts


def frame_groups(
    frames: Frames, train: Frames | None, answers: list[Answer], truth: Pose
) -> Groups:
    """Which frames each breakdown takes: all; per tag what training saw, and each value; altitude; hint error.

    A breakdown that takes the same frames as an earlier one (each season flown on one date) is left out.

    Args:
        frames: that are scored, (N,).
        train: of training; a tag's value is seen if one of them has it. None: not known.
        answers: among which the first hint may be.
        truth: (N,).
    """
    every = np.ones(len(frames.name), dtype=bool)
    named = {"all": every}
    for tag in dict.fromkeys(tag for labels in frames.tags for tag in labels):
        values = np.array([labels.get(tag, "") for labels in frames.tags])
        if train:
            seen = np.isin(values, [labels.get(tag, "") for labels in train.tags])
            named |= {f"{tag}s seen in training": seen, f"unseen {tag}s": ~seen}
        named |= {f"{tag} {value}": values == value for value in dict.fromkeys(values.tolist())}
    if np.isfinite(frames.altitude_m).all():
        thirds_m = np.quantile(frames.altitude_m, [1 / 3, 2 / 3]).round(-1)
        named |= bands("altitude", frames.altitude_m, thirds_m, "m")
    for answer in answers:
        if answer.method == HINT_ANSWER:
            error_m = pose_errors(answer.pose, truth)[0].double().numpy()
            named |= bands("hint error", error_m, np.quantile(error_m, [0.25, 0.5, 0.75]), "m")
    groups: Groups = {}
    for name, rows in named.items():
        if rows.any() and not any(np.array_equal(rows, other) for other in groups.values()):
            groups[name] = rows
    return groups


def bands(title: str, values: NDArray[np.float64], edges: NDArray[np.float64], unit: str) -> Groups:
    """Values (N,) up to the first edge, from there to the next, and beyond the last."""
    texts = [f"{edge:.3g}" for edge in edges]
    names = [f"{title} up to {texts[0]} {unit}"]
    names += [f"{title} {low} to {high} {unit}" for low, high in pairwise(texts)]
    names += [f"{title} above {texts[-1]} {unit}"]
    band = np.searchsorted(edges, values)
    return {name: band == index for index, name in enumerate(names)}


def score(
    answers: list[Answer], truth: Pose, frames: Frames, groups: Groups, thresholds: Thresholds
) -> list[dict[str, object]]:
    """One row of metrics per group of frames and method.

    Args:
        answers: poses (N,) by method.
        truth: (N,).
        frames: (N,); where their altitude is known, errors are given in percent of it too.
        groups: of these frames.
        thresholds: (metres, degrees) of the recalls.
    """
    aerial = bool(np.isfinite(frames.altitude_m).all())
    ground = [torch.from_numpy(side_m) for side_m in (frames.altitude_m, frames.footprint_m)]
    rows: list[dict[str, object]] = []
    for group, chosen in groups.items():
        here = torch.from_numpy(chosen)
        for answer in answers:
            predicted, true = _take(answer.pose, here), _take(truth, here)
            metrics = summary(*pose_errors(predicted, true), thresholds)
            if aerial:
                metrics |= aerial_summary(predicted, true, *(side_m[here] for side_m in ground))
            rows.append({"group": group, "method": answer.method, "kind": answer.kind, **metrics})
    return rows


def trajectories(
    answers: list[Answer], truth: Pose, sequence: list[str]
) -> list[dict[str, object]]:
    """One row of trajectory errors per sequence and network, of frames (N,) in the order of their split."""
    rows: list[dict[str, object]] = []
    names = np.array(sequence)
    for name in dict.fromkeys(sequence):
        here = torch.from_numpy(names == name)
        for answer in answers:
            if answer.kind == "network" and here.sum() >= 3:
                both = (_take(answer.pose, here), _take(truth, here))
                errors = trajectory_errors(*(Pose(t.double(), q.double()) for t, q in both))
                rows.append({"sequence": name, "method": answer.method, **errors})
    return rows


def _take(pose: Pose, rows: Tensor) -> Pose:
    return Pose(pose.t[rows], pose.q[rows])
