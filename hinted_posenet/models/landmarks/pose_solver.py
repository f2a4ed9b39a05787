"""The pose of a camera from landmarks that its features match, and how well they determine it."""

import math
from typing import Any, NamedTuple

import numpy as np
import poselib
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix, rotation_matrix_to_quaternion
from torch import Tensor

from hinted_posenet.core.covariance import moved
from hinted_posenet.core.types import Pose

MOST_PX = 3.0  # reprojection error of an inlier
FEWEST = 4  # matches that a pose can be solved from
STEPS = 10  # Gauss-Newton steps
CONVERGED = 1e-4  # square of the length of a step, in standard deviations
SCALE_PX = 2.0  # of the Cauchy loss


class Seen(NamedTuple):
    """Landmarks, and where one camera sees them."""

    point_m: Tensor  # (M, 3) in the world
    ray: Tensor  # (M, 2) x/z and y/z in the camera
    focal_px: float

    def take(self, rows: Tensor) -> "Seen":
        """Return the given ones."""
        return Seen(self.point_m[rows], self.ray[rows], self.focal_px)


class Solved(NamedTuple):
    """A pose, with what the image alone says about it."""

    pose: Pose  # (), float64
    information: Tensor  # (6, 6) float64 of the image alone, along and about the world's axes
    inlier: Tensor  # (M,) bool


def search(seen: Seen, seed: int, iterations: int) -> tuple[Pose, Tensor] | None:
    """Find the pose () that most matches agree on by LO-RANSAC, and which agree (M,); None if too few do."""
    if len(seen.ray) < FEWEST:
        return None
    center = seen.point_m.double().mean(dim=0)  # solved about it, for the sake of digits
    threshold = MOST_PX / seen.focal_px
    camera = {"model": "SIMPLE_PINHOLE", "width": 2, "height": 2, "params": [1.0, 0.0, 0.0]}
    how: dict[str, Any] = {
        "max_reproj_error": threshold,
        "max_iterations": iterations,
        "min_iterations": 50,
        "seed": seed,
    }
    found, about = poselib.estimate_absolute_pose(
        seen.ray.double().numpy(),
        (seen.point_m.double() - center).numpy(),
        camera,
        how,
        {"loss_type": "CAUCHY", "loss_scale": SCALE_PX / seen.focal_px},
    )
    inlier = torch.from_numpy(np.asarray(about["inliers"], bool))
    if int(inlier.sum()) < FEWEST:
        return None
    R_cam_world = torch.from_numpy(np.array(found.R, np.float64))
    t = center - R_cam_world.T @ torch.from_numpy(np.array(found.t, np.float64))
    return Pose(t, rotation_matrix_to_quaternion(R_cam_world.T.contiguous())), inlier


def refine(seen: Seen, start: Pose) -> Solved:
    """Minimize the reprojection errors of a pose () under a Cauchy loss; their residuals tell their noise."""
    pose = Pose(start.t.double(), start.q.double())
    for _ in range(STEPS):
        error, J = _residuals(seen, pose)
        size = error.norm(dim=-1)
        inlier = size < MOST_PX
        noise_px = _noise_px(size[inlier])
        weight = inlier / (1 + (size / SCALE_PX).square()) / noise_px**2
        pull = (weight[:, None, None] * J).flatten(0, 1).T  # (6, 2 M)
        H = pull @ J.flatten(0, 1)
        damping = 1e-9 * H.diagonal().clamp_min(1e-12).diag()
        step = -torch.linalg.solve(H + damping, pull @ error.flatten())
        pose = moved(pose, step)
        if float(step @ H @ step) < CONVERGED:
            break
    return Solved(pose, H, inlier)


def projected(point_m: Tensor, pose: Pose) -> tuple[Tensor, Tensor, Tensor]:
    """Project points (M, 3) by a pose (): x/z and y/z (M, 2), depths (M,), Jacobian (M, 2, 6) by the pose.

    The pose moves along and turns about the world's axes, as in `Hint`.
    """
    R = quaternion_to_rotation_matrix(pose.q)
    off = point_m.double() - pose.t
    local = off @ R
    depth = local[:, 2]
    place = local[:, :2] / depth.clamp_min(1e-6).unsqueeze(-1)
    by_local = torch.eye(2, 3, dtype=R.dtype).repeat(len(off), 1, 1)
    by_local[..., 2] = -place
    by_local = by_local / depth.clamp_min(1e-6)[:, None, None] @ R.T
    across = torch.linalg.cross(off.unsqueeze(1), by_local, dim=-1)
    return place, depth, torch.cat([-by_local, -across], dim=-1)


def _residuals(seen: Seen, pose: Pose) -> tuple[Tensor, Tensor]:
    """Return reprojection errors (M, 2) in pixels, huge behind the camera, and their Jacobian (M, 2, 6)."""
    place, depth, J = projected(seen.point_m, pose)
    error = (place - seen.ray) * seen.focal_px
    return error.masked_fill((depth <= 0).unsqueeze(-1), 1e6), J * seen.focal_px


def _noise_px(size: Tensor) -> float:
    """Return the standard deviation per axis of errors of size (M,), whose median is 1.18 of it."""
    return max(float(size.median()) / math.sqrt(2 * math.log(2)), 0.3) if len(size) else 1.0
