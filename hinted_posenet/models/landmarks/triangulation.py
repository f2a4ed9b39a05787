"""Triangulation: points from the rays of several cameras with known poses, by robust least squares."""

import math
from typing import NamedTuple

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor

from hinted_posenet.core.types import Pose

ROUNDS = 6  # Gauss-Newton steps
SCALE_PX = 2.0  # of the Cauchy loss: an error that large has half of its weight
LONGEST_STEP = 0.3  # of the distance to the first camera, in one Gauss-Newton step
DAMPING = 1e-4  # of the mean curvature: two cameras nearly determine the depth
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
    """Triangulate N points of the first camera with the rays of others that agree with it.

    Rays that are more than twice ``most_px`` away from the likeliest of two-camera points are left out.
    """
    R = quaternion_to_rotation_matrix(rays.pose.q.double())
    points = _first(rays, R, 2 * most_px)
    near = _errors_px(points, rays, R) < 2 * most_px
    rays = rays._replace(seen=rays.seen & near)
    points = _refined(points, rays, R)
    error_px = _errors_px(points, rays, R)
    return Points(points, error_px, _parallax(points, rays.pose.t, error_px < most_px))


def _first(rays: Rays, R: Tensor, most_px: float) -> Tensor:
    """Return the points (N, 3) on rays of the first camera that most others agree with.

    Each other camera proposes the depth at which the point comes closest to its own ray.
    """
    center, ray = rays.pose.t.double(), rays.ray.double()
    direction = torch.cat([ray[:, 0], torch.ones_like(ray[:, 0, :1])], dim=-1) @ R[0].T
    start = torch.einsum("vji,vj->vi", R, center[0] - center)
    along = torch.einsum("vji,nj->nvi", R, direction)
    by_depth = along[..., :2] - ray * along[..., 2:]
    fixed = start[:, :2] - ray * start[:, 2:]
    depth = -(fixed * by_depth).sum(-1) / by_depth.square().sum(-1).clamp_min(1e-12)
    depth = depth.masked_fill(~rays.seen, 0.0)
    agreeing = []
    for proposed in depth.unbind(dim=1):
        points = center[0] + proposed.unsqueeze(1) * direction
        miss = (_errors_px(points, rays, R) / most_px).clamp(max=1)
        agreeing.append((1 - miss.square()).sum(dim=1))
    best = torch.stack(agreeing, dim=1).argmax(dim=1, keepdim=True)
    return center[0] + depth.gather(1, best) * direction


def _refined(points: Tensor, rays: Rays, R: Tensor) -> Tensor:
    """Minimize the reprojection errors of points (N, 3) under a Cauchy loss."""
    focal, center, ray = rays.focal_px.double()[:, None], rays.pose.t.double(), rays.ray.double()
    for _ in range(ROUNDS):
        seen, place = _projected(points, center, R)
        error = (place - ray) * focal
        J = R.mT[:, :2] - place.unsqueeze(-1) * R.mT[:, 2:]
        J = J * (focal / seen[..., 2:].clamp_min(1e-6)).unsqueeze(-1)
        weight = rays.seen * (seen[..., 2] > 0) / (1 + error.square().sum(-1) / SCALE_PX**2)
        pull = (weight[..., None, None] * J).flatten(1, 2).mT  # (N, 3, 2 V)
        H = pull @ J.flatten(1, 2)
        curvature = H.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        H = H + (DAMPING * curvature + 1e-12) * torch.eye(3).to(R)
        step = torch.linalg.solve(H, pull @ error.flatten(1).unsqueeze(-1)).squeeze(-1)
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
    error: Tensor = (place - rays.ray).norm(dim=-1) * rays.focal_px.double()
    return error.masked_fill(seen[..., 2] <= 0, BEHIND_PX).masked_fill(~rays.seen, math.inf)


def _parallax(points: Tensor, center: Tensor, used: Tensor) -> Tensor:
    """Return the largest angle (N,) at points between the first camera and another that is used (N, V)."""
    toward = torch.nn.functional.normalize(center.double() - points.unsqueeze(1), dim=-1)
    cosine = (toward * toward[:, :1]).sum(dim=-1).clamp(-1, 1)
    return torch.acos(cosine).masked_fill(~used, 0.0).amax(dim=1)
