"""Triangulation: points from the rays of several cameras with known poses, by robust least squares."""

import math
from typing import NamedTuple

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor

from hinted_posenet.core.types import Pose

ROUNDS = 6  # Gauss-Newton steps before, and again after, wrong matches are dropped
SCALE_PX = 2.0  # of the Cauchy loss: an error that large has half of its weight
LONGEST_STEP = 0.3  # of the distance to the first camera, in one Gauss-Newton step
DAMPING = 1e-3  # of the mean curvature: two cameras nearly determine the depth
BEHIND_PX = 1e9  # error of a point behind a camera


class Rays(NamedTuple):
    """What V cameras see of N points; a camera that does not see a point has false in ``seen``."""

    ray: Tensor  # (N, V, 2), x/z and y/z in the cameras
    seen: Tensor  # (N, V) bool
    pose: Pose  # (V,) T_world_cam, float64
    focal_px: Tensor  # (V,)


class Points(NamedTuple):
    """Triangulated points."""

    t_m: Tensor  # (N, 3) float64, in the world
    error_px: Tensor  # (N, V) reprojection errors; infinite where not seen
    parallax_rad: Tensor  # (N,) largest angle between the ray of the first camera and another


def triangulate(rays: Rays, most_px: float) -> Points:
    """Triangulate N points; rays that are more than twice ``most_px`` away from the first result are left out."""
    R = quaternion_to_rotation_matrix(rays.pose.q.double())
    points = _refined(_closest(rays, R), rays, R)
    near = _errors_px(points, rays, R) < 2 * most_px
    rays = rays._replace(seen=rays.seen & near)
    points = _refined(points, rays, R)
    error_px = _errors_px(points, rays, R)
    return Points(points, error_px, _parallax(points, rays.pose.t, error_px < most_px))


def _closest(rays: Rays, R: Tensor) -> Tensor:
    """Return the points (N, 3) that are closest to all of their rays."""
    direction = torch.cat([rays.ray.double(), torch.ones_like(rays.ray[..., :1]).double()], dim=-1)
    direction = torch.nn.functional.normalize(direction, dim=-1)
    direction = torch.einsum("vij,nvj->nvi", R, direction)
    across = torch.eye(3).to(R) - direction.unsqueeze(-1) * direction.unsqueeze(-2)
    across = across * rays.seen[..., None, None]
    through = (across @ rays.pose.t.double().unsqueeze(-1)).sum(dim=1)
    solved: Tensor = torch.linalg.solve(across.sum(dim=1) + 1e-9 * torch.eye(3).to(R), through)
    return solved.squeeze(-1)


def _refined(points: Tensor, rays: Rays, R: Tensor) -> Tensor:
    """Minimize the reprojection errors of points (N, 3) under a Cauchy loss."""
    focal, center = rays.focal_px.double()[:, None, None], rays.pose.t.double()
    for _ in range(ROUNDS):
        seen, place = _projected(points, center, R)
        error = (place - rays.ray) * focal.squeeze(-1)
        J = torch.eye(2, 3).to(R).repeat(*place.shape[:-1], 1, 1)
        J[..., 2] = -place
        J = focal * J / seen[..., 2, None, None].clamp_min(1e-6) @ R.mT
        weight = rays.seen * (seen[..., 2] > 0) / (1 + error.square().sum(-1) / SCALE_PX**2)
        H = (weight[..., None, None] * J.mT @ J).sum(dim=1)
        gradient = (weight[..., None, None] * (J.mT @ error.unsqueeze(-1))).sum(dim=1)
        curvature = H.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        H = H + (DAMPING * curvature + 1e-12) * torch.eye(3).to(R)
        step = torch.linalg.solve(H, gradient).squeeze(-1)
        most = LONGEST_STEP * (points - center[0]).norm(dim=-1, keepdim=True)
        points = points - step * (most / step.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp(
            max=1
        )
    return points


def _projected(points: Tensor, center: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
    """Return points (N, 3) in the cameras' axes (N, V, 3), and x/z and y/z (N, V, 2)."""
    seen = torch.einsum("vji,nvj->nvi", R, points.unsqueeze(1) - center)
    return seen, seen[..., :2] / seen[..., 2:].clamp_min(1e-6)


def _errors_px(points: Tensor, rays: Rays, R: Tensor) -> Tensor:
    """Return reprojection errors (N, V)."""
    seen, place = _projected(points, rays.pose.t.double(), R)
    error = (place - rays.ray).norm(dim=-1) * rays.focal_px.double()
    return error.masked_fill(seen[..., 2] <= 0, BEHIND_PX).masked_fill(~rays.seen, math.inf)


def _parallax(points: Tensor, center: Tensor, used: Tensor) -> Tensor:
    """Return the largest angle (N,) at points between the first camera and another that is used (N, V)."""
    toward = torch.nn.functional.normalize(center.double() - points.unsqueeze(1), dim=-1)
    cosine = (toward * toward[:, :1]).sum(dim=-1).clamp(-1, 1)
    return torch.acos(cosine).masked_fill(~used, 0.0).amax(dim=1)
