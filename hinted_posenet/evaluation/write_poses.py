"""poses.csv of a run: every method's pose of every frame, its errors, and the uncertainty that it states."""

import csv
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.offset import NO_OFFSET, moved_pose
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.poses import SIGMA_COLUMNS
from hinted_posenet.evaluation.calibration import (
    POSITION,
    ROTATION,
    error_vectors,
    normalised_errors,
)
from hinted_posenet.evaluation.frames_file import T_CAM_WORLD, Frames, digits_of
from hinted_posenet.evaluation.metrics import pose_errors
from hinted_posenet.evaluation.predictions import MethodAnswer

ROWS = 4096  # converted to Python numbers at a time, which take four times the memory
ERRORS = ("error_t_m", "error_r_deg")
NEES = tuple(f"nees_{name}" for name in (*POSITION, *ROTATION))


def write_poses(
    path: Path,
    frames: Frames,
    answers: list[MethodAnswer],
    truth: Pose,
    train_names: list[str],
    offset_m: Tensor = NO_OFFSET,
) -> None:
    """Write a line per frame and method: world-to-camera pose as in COLMAP, errors, true and predicted center.

    Frames, answers and truth are (N,), and positions of the latter two count from ``offset_m`` (3,);
    ``train_names`` are the training images, which neighbours are rows of.
    """
    tags = sorted({tag for labels in frames.tags for tag in labels})
    header = ["method", "name", "sequence", *tags, "neighbour", *T_CAM_WORLD]
    header += [*ERRORS, *SIGMA_COLUMNS, *NEES]
    header += [f"{kind}_{axis}_m" for kind in ("predicted", "true") for axis in "xyz"]
    labels = [
        [name, sequence, *(values.get(tag, "") for tag in tags)]
        for name, sequence, values in zip(frames.name, frames.sequence, frames.tags, strict=True)
    ]
    digits = digits_of(frames.T_cam_world, 9)
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for answer in answers:
            rows = [] if answer.neighbour is None else answer.neighbour.tolist()
            near = [train_names[row] for row in rows] or [""] * len(labels)
            numbers = _numbers(answer, truth, offset_m)
            for label, neighbour, values in zip(labels, near, numbers, strict=True):
                texts = ["" if value != value else f"{value:.{digits}g}" for value in values]
                writer.writerow([answer.method, *label, neighbour, *texts])


def _numbers(answer: MethodAnswer, truth: Pose, offset_m: Tensor) -> Iterator[list[float]]:
    """Yield the numbers of each frame in the order of the header; NaN where the method states none."""
    answered, true = moved_pose(answer.pose, offset_m), moved_pose(truth, offset_m)
    t_cam_world, q_cam_world = invert(*answered)
    errors = torch.stack(pose_errors(answer.pose, truth), dim=1)
    parts = [q_cam_world, t_cam_world, errors, _uncertainty(answer, truth)]
    numbers = torch.cat([*parts, answered.t, true.t], dim=1)
    return (row for some in torch.split(numbers, ROWS) for row in some.tolist())


def _uncertainty(answer: MethodAnswer, truth: Pose) -> Tensor:
    """Return standard deviations in metres and degrees, and the NEES of position and rotation (N, 8)."""
    if answer.covariance is None:
        return torch.full((len(truth.t), 8), torch.nan)
    sigma = Hint(answer.pose, answer.covariance.double()).variance.sqrt()
    error = error_vectors(answer.pose, truth)
    nees = [
        torch.from_numpy(normalised_errors(error, answer.covariance, axes))
        for axes in (POSITION | ROTATION).values()
    ]
    return torch.cat([sigma[:, :3], sigma[:, 3:].rad2deg(), torch.stack(nees, dim=1)], dim=1)
