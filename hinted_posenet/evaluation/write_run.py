"""Score answers by groups of frames, and write the files of a run: results.json, poses.csv and frames.csv."""

import os
import platform
import subprocess
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.files import write_json
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.types import Pose, View, stack_poses
from hinted_posenet.data.posed_images import map_tensors
from hinted_posenet.evaluation.calibration import (
    HORIZONTAL_VERTICAL,
    POSITION,
    ROTATION,
    calibration_summary,
)
from hinted_posenet.evaluation.frames_file import Chosen, Floats, Frames, write_frames
from hinted_posenet.evaluation.metrics import (
    Thresholds,
    aerial_summary,
    pose_errors,
    recall_of_modes,
    summary,
    trajectory_errors,
)
from hinted_posenet.evaluation.predictions import HINT_ANSWER, MethodAnswer, nearest_answer
from hinted_posenet.evaluation.write_poses import write_poses

# all frames; those with a tag, such as the season, that training saw; or those without
SeasonGroup = Literal["all", "seen", "unseen"]
LABELS = ("group", "method", "role", "step", "oracle")  # of a row; its other keys are metrics
PACKAGES = (
    *("hinted_posenet", "torch", "torchvision", "pytorch-lightning"),
    *("timm", "kornia", "opencv-python"),
)
# datasets with independent frames: flights are strata of the design, views are drawn one by one
INDEPENDENT_FRAMES = ("aerial",)


def write_run(
    folder: Path,
    about: dict[str, Any],
    frames: Frames,
    train: Frames | None,
    answers: list[MethodAnswer],
    truth: Pose,
    thresholds: Thresholds,
    known: Pose | None = None,
    offset_m: Tensor = NO_OFFSET,
) -> dict[str, Any]:
    """Score answers, write the files of a run into ``folder``, and return the content of results.json.

    The training camera nearest to the true one stands beside the answers: what perfect retrieval would give.
    ``about`` is what results.json holds besides metrics, among it name, data, split, seed, oracle and
    inference_hint. Answers and truth, T_world_cam in float64, are of the scored frames (N,), ``known`` of the
    training frames (None takes those of ``train``); their positions count from ``offset_m`` (3,) in the world,
    where the files have them. Thresholds are (metres, degrees) of the recalls.
    """
    if train:
        answers = [*answers, nearest_answer(known or pose_of(train), truth)]
    groups = frame_groups(frames, train, answers, truth)
    splits = {about["split"]: frames} | ({"train": train} if train else {})
    write_frames(folder / "frames.csv", splits)
    names_of_training = train.name if train else []
    write_poses(folder / "poses.csv", frames, answers, truth, names_of_training, offset_m)
    names = np.array([group.name for group in groups])
    in_group = np.array([group.frames for group in groups]).T
    independent = about["data"]["name"] in INDEPENDENT_FRAMES
    results = {
        **about,
        "resampling_unit": "frame" if independent else "sequence",
        "rows": score(answers, truth, frames, groups, thresholds, about.get("origin") is not None),
        "trajectories": trajectories(answers, truth, frames.sequence),
        "groups": [{"name": g.name, "season_group": g.season_group} for g in groups],
        "frame_groups": [names[chosen].tolist() for chosen in in_group],
    }
    write_json(folder / "results.json", results, indent=1)
    return results


class FrameGroup(NamedTuple):
    """Some of the N frames of a split."""

    name: str
    frames: Chosen  # (N,)
    season_group: SeasonGroup | None = None  # None for every other breakdown


def frame_groups(
    frames: Frames, train: Frames | None, answers: list[MethodAnswer], truth: Pose
) -> list[FrameGroup]:
    """Return all frames, then those of each tag that training saw, each tag value, altitude, and hint error.

    A group that holds the same frames as an earlier one (each season flown on one date) is left out.

    A tag's value is seen if one of the training frames has it. Hint errors need the first hint among the answers.
    """
    found = [FrameGroup("all", np.ones(len(frames.name), dtype=bool), "all")]
    for tag in dict.fromkeys(tag for labels in frames.tags for tag in labels):
        values = np.array([labels.get(tag, "") for labels in frames.tags])
        if train:
            seen = np.isin(values, [labels.get(tag, "") for labels in train.tags])
            found.append(FrameGroup(f"{tag}s seen in training", seen, "seen"))
            found.append(FrameGroup(f"unseen {tag}s", ~seen, "unseen"))
        found += [FrameGroup(f"{tag} {v}", values == v) for v in dict.fromkeys(values.tolist())]
    if np.isfinite(frames.altitude_m).all():
        thirds_m = np.quantile(frames.altitude_m, [1 / 3, 2 / 3]).round(-1)
        found += bands("altitude", frames.altitude_m, thirds_m, "m")
    for answer in answers:
        if answer.method == HINT_ANSWER:
            error_m = pose_errors(answer.pose, truth)[0].double().numpy()
            found += bands("hint error", error_m, np.quantile(error_m, [0.25, 0.5, 0.75]), "m")
    # of those that hold the same frames, setdefault keeps the first
    groups: dict[bytes, FrameGroup] = {}
    for group in found:
        if group.frames.any():
            groups.setdefault(group.frames.tobytes(), group)
    return list(groups.values())


def bands(title: str, values: Floats, edges: Floats, unit: str) -> list[FrameGroup]:
    """Return groups of values (N,) up to the first edge, from there to the next, and beyond the last."""
    texts = [f"{edge:.3g}" for edge in edges]
    names = [f"{title} up to {texts[0]} {unit}"]
    names += [f"{title} {low} to {high} {unit}" for low, high in pairwise(texts)]
    names += [f"{title} above {texts[-1]} {unit}"]
    band = np.searchsorted(edges, values)
    return [FrameGroup(name, band == index) for index, name in enumerate(names)]


def score(
    answers: list[MethodAnswer],
    truth: Pose,
    frames: Frames,
    groups: list[FrameGroup],
    thresholds: Thresholds,
    is_georeferenced: bool = False,
) -> list[dict[str, object]]:
    """Return one row of metrics per group of frames and method.

    Answers, truth and frames are (N,); where all altitudes are known, errors are also given in percent of
    them. Methods that state covariances also get the metrics of their calibration, horizontal and vertical ones
    where the world's z axis points up: in aerial scenes and in those that have a place on Earth. Methods with
    several modes also get their recall.
    """
    aerial = bool(np.isfinite(frames.altitude_m).all())
    ground = [torch.from_numpy(side_m) for side_m in (frames.altitude_m, frames.footprint_m)]
    parts = POSITION | (HORIZONTAL_VERTICAL if aerial or is_georeferenced else {}) | ROTATION
    rows: list[dict[str, object]] = []
    for group in groups:
        here = torch.from_numpy(group.frames)
        for answer in answers:
            predicted, true = (Pose(t[here], q[here]) for t, q in (answer.pose, truth))
            metrics = summary(*pose_errors(predicted, true), thresholds)
            if aerial:
                metrics |= aerial_summary(predicted, true, *(side_m[here] for side_m in ground))
            if answer.covariance is not None:
                metrics |= calibration_summary(predicted, true, answer.covariance[here], parts)
            if answer.modes is not None:
                modes = map_tensors(lambda part, here=here: part[here], answer.modes)
                metrics |= recall_of_modes(modes, true, thresholds)
            of_answer = {key: getattr(answer, key) for key in LABELS[1:]}
            rows.append({"group": group.name, **of_answer, **metrics})
    return rows


def trajectories(
    answers: list[MethodAnswer], truth: Pose, sequence: list[str]
) -> list[dict[str, object]]:
    """Return one row of trajectory errors per sequence and network, frames (N,) in the order of their split."""
    rows: list[dict[str, object]] = []
    names = np.array(sequence)
    for name in dict.fromkeys(sequence):
        here = torch.from_numpy(names == name)
        for answer in answers:
            if answer.role == "network" and here.sum() >= 3:
                both = (Pose(*(x[here].double() for x in pose)) for pose in (answer.pose, truth))
                rows.append({"sequence": name, "method": answer.method, **trajectory_errors(*both)})
    return rows


def frames_of(views: list[View]) -> Frames:
    """Return what a report needs to know of views (N,)."""
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
    """Return the true T_world_cam (N,), float64."""
    numbers = torch.from_numpy(frames.T_cam_world)
    return Pose(*invert(numbers[:, 4:], numbers[:, :4]))


def provenance(device: str) -> dict[str, Any]:
    """Return versions, git revision and machine of a run."""
    return {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "git_revision": git_revision(),
        "device": device,
        "cpu_count": os.cpu_count(),
        "platform": platform.platform(),
    }


def git_revision() -> str | None:
    """Return the revision of the checkout that this package runs from; None for an installed one."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
