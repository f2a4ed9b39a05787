"""One camera over level ground: which point a pixel sees, and the Gauss-Newton step of its pose."""

from typing import NamedTuple

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec, quaternion_inverse, relative_rotvec, rotate
from hinted_posenet.core.types import Pose


def pixel_centers(height: int, width: int, step: float = 1.0) -> Tensor:
    """Return x, y of the centers of cells of ``step`` pixels, (height, width, 2); the first is at step / 2."""
    rows, cols = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    return step * torch.stack(torch.meshgrid(cols, rows, indexing="xy"), dim=-1)


def rays(K: Tensor, pixels: Tensor) -> Tensor:
    """Return directions (B, n, 3) in the camera frame, z = 1, of pixels (B, n, 2)."""
    xy = (pixels - K[:2, 2]) / K.diagonal()[:2]
    return torch.cat([xy, torch.ones_like(xy[..., :1])], dim=-1)


def ground_points(pose: Pose, K: Tensor, pixels: Tensor, height_m: Tensor | float) -> Tensor:
    """Return ground x, y (B, n, 2) in metres that pixels (B, n, 2) of T_world_cam poses (B,) see."""
    direction = rotate(pose.q.unsqueeze(1), rays(K, pixels))
    depth = (height_m - pose.t[:, None, 2]) / direction[..., 2]
    return pose.t[:, None, :2] + depth.unsqueeze(-1) * direction[..., :2]


def project(pose: Pose, K: Tensor, ground_m: Tensor, height_m: Tensor | float) -> Tensor:
    """Project ground points (B, n, 2) to pixels (B, n, 2) of poses (B,)."""
    up = torch.zeros_like(ground_m[..., :1]) + height_m
    point = torch.cat([ground_m, up], dim=-1) - pose.t.unsqueeze(1)
    camera = rotate(quaternion_inverse(pose.q).unsqueeze(1), point)
    return K.diagonal()[:2] * camera[..., :2] / camera[..., 2:] + K[:2, 2]


def pixel_jacobian(pose: Pose, K: Tensor, pixels: Tensor, height_m: Tensor | float) -> Tensor:
    """Return (B, n, 2, 6): how a small motion moves what a pixel sees, in pixels of the *old* image.

    The motion is metres of the center along the world's axes, then radians about the camera's axes:
    ``t + d[:3]``, ``q * exp(d[3:])``. So the view V' after it is V'(u) = V(u + J d).
    """
    ray = rays(K, pixels)
    depth = (height_m - pose.t[:, None, 2]) / rotate(pose.q.unsqueeze(1), ray)[..., 2]
    x, y = (depth.unsqueeze(-1) * ray[..., :2]).unbind(-1)
    zero = torch.zeros_like(depth)
    along_x = torch.stack([1 / depth, zero, -x / depth**2], dim=-1)
    along_y = torch.stack([zero, 1 / depth, -y / depth**2], dim=-1)
    by_point = torch.stack([along_x * K[0, 0], along_y * K[1, 1]], dim=-2)
    world_to_cam = quaternion_to_rotation_matrix(pose.q).transpose(1, 2).unsqueeze(1)
    rows = [(zero, depth, -y), (-depth, zero, x), (y, -x, zero)]
    turn = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)  # angle x point
    return torch.cat([by_point @ world_to_cam, by_point @ turn], dim=-1)


def north_up(center_m: Tensor, size: int, cell_m: float) -> Tensor:
    """Return ground points (B, size, size, 2) of a grid around centers (B, 2), north up."""
    cells = (pixel_centers(size, size).to(center_m) - size / 2) * cell_m
    return center_m[:, None, None] + cells * cells.new_tensor([1.0, -1.0])


class Prior(NamedTuple):
    """What is known before looking at the image."""

    pose: Pose  # (B,)
    information: Tensor  # (B, 6, 6) metres along the world's axes, then radians about the camera's

    @property
    def sigma(self) -> Tensor:
        """Standard deviations (B, 6)."""
        covariance: Tensor = torch.linalg.inv(self.information)
        return covariance.diagonal(dim1=-2, dim2=-1).sqrt()


def information_step(
    pose: Pose, J: Tensor, A: Tensor, b: Tensor, prior: Prior
) -> tuple[Pose, Tensor]:
    """Solve for the maximum a posteriori pose (B,), to first order, and its information (B, 6, 6).

    Args:
        pose: where the measurements were linearised, (B,).
        J: displacement of measurement i by a motion (B, n, 2, 6), see ``plane.pixel_jacobian``.
        A: information of its displacement (B, n, 3) as xx, xy, yy.
        b: A times the measured displacement, (B, n, 2).
        prior: of the pose.
    """
    Jx, Jy = J.unbind(dim=-2)
    xx, xy, yy = A.unsqueeze(-1).unbind(dim=-2)
    information = Jx.mT @ (xx * Jx + xy * Jy) + Jy.mT @ (xy * Jx + yy * Jy)
    pull = (Jx.mT @ b[..., :1] + Jy.mT @ b[..., 1:]).squeeze(-1)
    turn = relative_rotvec(pose.q, prior.pose.q)
    off = torch.cat([prior.pose.t - pose.t, turn], dim=-1)
    information = information + prior.information
    pull = pull + (prior.information @ off.unsqueeze(-1)).squeeze(-1)
    step = torch.linalg.solve(information, pull)
    q = normalize(compose_rotvec(pose.q, step[:, 3:]), dim=-1)
    return Pose(pose.t + step[:, :3], q), information


def symmetric_product(A: Tensor, v: Tensor) -> Tensor:
    """Multiply symmetric matrices (*, 3), given as xx, xy, yy, by vectors (*, 2)."""
    (xx, xy, yy), (x, y) = A.unbind(-1), v.unbind(-1)
    return torch.stack([xx * x + xy * y, xy * x + yy * y], dim=-1)
