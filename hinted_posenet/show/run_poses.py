"""Poses of a run that are shown: of training, of the scored frames, and what a method said of them."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from hinted_posenet.geometry import invert, rotate
from hinted_posenet.report.frames import Floats
from hinted_posenet.report.runs import Run
from hinted_posenet.show.frusta import Points, pyramids
from hinted_posenet.types import InputError, Pose

UNKNOWN_FOV_DEG = 60.0  # of cameras whose field of view is not known: poses that were scored alone
LEVEL = 0.1  # weight of where images' lower edges point on average, against level image rows


class Cameras(NamedTuple):
    """N cameras."""

    T_world_cam: Pose
    slopes: torch.Tensor  # (N, 2) half an image's width and height, over its focal length

    def outlines(self, size_m: float) -> Points:
        """Their frusta (N, 5, 3)."""
        return pyramids(self.T_world_cam, self.slopes, size_m)


class RunPoses(NamedTuple):
    """What a picture of a run shows."""

    method: str
    training: Cameras
    true: Cameras  # N frames that were scored
    predicted: Cameras  # N; NaN where there is no answer
    error_t_m: Floats  # (N,)
    ground_m: float  # median height of the ground below the cameras; 0 where it is not known


def read_run_poses(run: Run, method: str | None = None) -> RunPoses:
    """Those of a method of the run; None takes the network's last pass."""
    method = method or run.last_pass
    if method not in run.methods:
        raise InputError(
            f"what.method={method}: {run.folder} has no such method; choose one of "
            f"{', '.join(run.methods)}"
        )
    splits, poses = run.read_frames(), run.methods[method]
    scored = splits[run.results["split"]]
    row_of = {name: row for row, name in enumerate(scored.name)}
    rows = np.array([row_of[frame["name"]] for frame in poses.frames])
    true = _cameras(scored.T_cam_world[rows], scored.fov_deg[rows])
    predicted = _cameras(poses.T_cam_world, scored.fov_deg[rows])
    training = splits.get("train", scored)
    below_m = training.centre_m[:, 2] - training.altitude_m
    ground_m = float(np.median(below_m)) if np.isfinite(below_m).all() else 0.0
    known = _cameras(training.T_cam_world, training.fov_deg)
    return RunPoses(method, known, true, predicted, poses.error_t_m, ground_m)


def _cameras(T_cam_world: Floats, fov_deg: Floats) -> Cameras:
    parts = torch.from_numpy(T_cam_world)
    shown_deg = np.nan_to_num(fov_deg, nan=UNKNOWN_FOV_DEG)
    slopes = torch.tan(torch.deg2rad(torch.from_numpy(shown_deg)) / 2)
    return Cameras(Pose(*invert(parts[:, 4:], parts[:, :4])), slopes)


def guessed_up(cameras: Cameras) -> NDArray[np.float64]:
    """Up (3,) in a world that does not say it: people and robots hold cameras level.

    So it is at right angles to the rows of the images, as far as these point in several directions,
    and it is opposite to where their columns point.
    """
    rows, columns, _ = _axes(cameras)
    down = columns.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows / len(rows) - LEVEL * np.outer(down, down))
    return np.asarray(-axes[:, 0] if axes[:, 0] @ down > 0 else axes[:, 0])


def upright(cameras: Cameras, up: ArrayLike) -> NDArray[np.float64]:
    """A turn (3, 3) that makes a direction (3,) z, and y where the cameras look on average.

    So a picture from the south shows what they see.
    """
    z = np.asarray(up, np.float64) / np.linalg.norm(up)
    ahead = _axes(cameras)[2].mean(axis=0)
    ahead += 1e-6 * np.eye(3)[np.abs(z).argmin()]  # should they look straight up or down
    x = np.cross(ahead, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _axes(cameras: Cameras) -> NDArray[np.float64]:
    """Where images' rows, their columns and the cameras point (3, N, 3)."""
    q = cameras.T_world_cam.q
    return np.asarray(rotate(q, torch.eye(3, dtype=q.dtype)[:, None]))
