"""A result is a file: results.json, poses.csv and frames.csv of a run."""

import csv
import json
import math
import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hinted_posenet.core.files import atomic_write, write_text
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Pose, View, stack_poses
from hinted_posenet.evaluation.controls import nearest_row
from hinted_posenet.evaluation.frames_file import T_CAM_WORLD, Frames, write_frames
from hinted_posenet.evaluation.groups import frame_groups, score, trajectories
from hinted_posenet.evaluation.metrics import Thresholds, pose_errors
from hinted_posenet.evaluation.predictions import Answer
from hinted_posenet.evaluation.run_files import NEAREST_CAMERA
from hinted_posenet.reports.results_table import print_results

PACKAGES = (
    "hinted_posenet",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "timm",
    "kornia",
    "opencv-python",
)
ROWS = 4096  # turned into Python's numbers at a time, which take four times the memory
CENTER = ("x_m", "y_m", "z_m")
ERRORS = (
    "error_t_m",
    "error_r_deg",
    "sigma_t_m",
    "sigma_r_deg",
)  # sigmas: what the method says of them


def write_run(
    folder: Path,
    about: dict[str, Any],
    frames: Frames,
    train: Frames | None,
    answers: list[Answer],
    truth: Pose,
    thresholds: Thresholds,
) -> None:
    """Score answers, write the files of a run into ``folder`` and print the table.

    Beside the answers stands the training camera nearest to the true one: what perfect retrieval would say.

    Args:
        folder: made if need be.
        about: what results.json holds besides metrics, among it name, data, split, seed and oracle.
        frames: (N,) that were answered.
        train: of training, if they are known.
        answers: poses (N,) of each method.
        truth: (N,).
        thresholds: (metres, degrees) of the recalls.
    """
    if train:
        known = pose_of(train)
        row = nearest_row(known, truth)
        nearest = Pose(known.t[row], known.q[row])
        answers = [*answers, Answer(NEAREST_CAMERA, "oracle", nearest, neighbour=row)]
    groups = frame_groups(frames, train, answers, truth)
    folder.mkdir(parents=True, exist_ok=True)
    write_frames(
        folder / "frames.csv", {about["split"]: frames} | ({"train": train} if train else {})
    )
    write_poses(folder / "poses.csv", frames, answers, truth, train.name if train else [])
    names = np.array(list(groups))
    of_frames = [names[rows].tolist() for rows in np.array(list(groups.values())).T]
    results = {
        **about,
        "rows": score(answers, truth, frames, groups, thresholds),
        "trajectories": trajectories(answers, truth, frames.sequence),
        "frame_groups": of_frames,
    }
    write_results(folder / "results.json", results)
    print_results(results)
    print(f"written: {folder / 'results.json'}, {folder / 'poses.csv'}, {folder / 'frames.csv'}")


def write_poses(
    path: Path, frames: Frames, answers: list[Answer], truth: Pose, train_names: list[str]
) -> None:
    """One line per frame and method: world-to-camera pose as COLMAP, errors, true and predicted center.

    Args:
        path: of poses.csv.
        frames: (N,).
        answers: poses (N,) of each method.
        truth: (N,).
        train_names: of the training images, which neighbours are rows of.
    """
    tags = sorted({tag for labels in frames.tags for tag in labels})
    header = ["method", "name", "sequence", *tags, "neighbour", *T_CAM_WORLD, *ERRORS]
    header += [f"predicted_{axis}" for axis in CENTER] + [f"true_{axis}" for axis in CENTER]
    labels = [
        [name, sequence, *(values.get(tag, "") for tag in tags)]
        for name, sequence, values in zip(frames.name, frames.sequence, frames.tags, strict=True)
    ]
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for answer in answers:
            rows = answer.neighbour
            near = (
                [""] * len(labels) if rows is None else [train_names[row] for row in rows.tolist()]
            )
            numbers = _numbers(answer, truth)
            for label, neighbour, values in zip(labels, near, numbers, strict=True):
                texts = ["" if value != value else f"{value:.9g}" for value in values]
                writer.writerow([answer.method, *label, neighbour, *texts])


def _numbers(answer: Answer, truth: Pose) -> Iterator[list[float]]:
    """Of frame after frame, in the order of the header; NaN where the method says nothing."""
    t_cam_world, q_cam_world = invert(answer.pose.t.double(), answer.pose.q.double())
    unsaid = torch.full((len(truth.t),), torch.nan)
    sigma_t_m = unsaid if answer.sigma_t_m is None else answer.sigma_t_m
    sigma_r_deg = unsaid if answer.sigma_r_rad is None else answer.sigma_r_rad.rad2deg()
    columns = (*pose_errors(answer.pose, truth), sigma_t_m, sigma_r_deg)
    parts = [q_cam_world, t_cam_world, *(column[:, None] for column in columns)]
    numbers = torch.cat([*parts, answer.pose.t, truth.t], dim=1)
    return (row for some in torch.split(numbers, ROWS) for row in some.tolist())


def frames_of(views: list[View]) -> Frames:
    """What a report needs to know of views (N,)."""
    t, q = stack_poses(view.T_world_cam for view in views)
    t_cam_world, q_cam_world = invert(t.double(), q.double())
    K = torch.stack([view.K for view in views])
    half = torch.stack([K[:, axis, 2] / K[:, axis, axis] for axis in (0, 1)], dim=1)
    altitude_m = [np.nan if v.altitude_m is None else v.altitude_m for v in views]
    return Frames(
        [view.name for view in views],
        [view.sequence for view in views],
        [view.tags for view in views],
        [str(view.image.absolute()) if view.image.name else "" for view in views],
        torch.cat([q_cam_world, t_cam_world], dim=1).numpy(),
        np.array(altitude_m),
        (2 * half.atan()).rad2deg().numpy(),
    )


def pose_of(frames: Frames) -> Pose:
    """True T_world_cam (N,), float64."""
    numbers = torch.from_numpy(frames.T_cam_world)
    return Pose(*invert(numbers[:, 4:], numbers[:, :4]))


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write JSON atomically; infinite errors become the string "inf", since JSON has no such number."""
    write_text(path, json.dumps(_plain(results), indent=1, allow_nan=False) + "\n")


def provenance(device: str) -> dict[str, Any]:
    """Versions, git revision and machine of a run."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "git_revision": git_revision(),
        "device": device,
        "cpu_count": os.cpu_count(),
        "platform": platform.platform(),
    }


def git_revision() -> str | None:
    """Revision of the checkout that this package runs from; None for an installed one."""
    checkout = Path(__file__).parents[1]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return value
