"""Resection: where a camera stands that sees known points at known places of its image."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.geometry import quaternion_inverse, rotate, turned
from hinted_posenet.types import Pose

NEAREST = 0.1  # points are taken to be at least this far in front of the camera, in typical depths


def project(points: Tensor, pose: Pose, focal: Tensor) -> tuple[Tensor, Tensor]:
    """Points (*, N, 3) in the frame of ``pose`` (*,): in the camera (*, N, 3), and in its image (*, N, 2)."""
    in_camera = rotate(quaternion_inverse(pose.q).unsqueeze(-2), points - pose.t.unsqueeze(-2))
    return in_camera, focal * in_camera[..., :2] / in_camera[..., 2:].clamp_min(NEAREST)


def resect(
    points: Tensor,
    seen: Tensor,
    weight: Tensor,
    focal: Tensor,
    robust: Tensor,
    damping: Tensor,
    steps: int,
) -> tuple[Pose, Tensor, Tensor]:
    """Damped Gauss-Newton steps on robust reprojection errors, from the identity; differentiable.

    Args:
        points: (*, N, 3), with a typical depth of 1.
        seen: (*, N, 2) where the camera sees them; its image is [-1, 1] x [-1, 1].
        weight: (*, N).
        focal: (2,) focal lengths in half images.
        robust: () error at which a point counts half (Cauchy).
        damping: (6,) share of the weight that holds rotation and position back.
        steps: number of steps.

    Returns:
        Pose (*,) of the camera in the frame of the points, the errors (*, N, 2) and the weights (*, N) of
        the last step.
    """
    batch = points.shape[:-2]
    pose = Pose(
        points.new_zeros(*batch, 3), points.new_tensor([1.0, 0.0, 0.0, 0.0]).expand(*batch, 4)
    )
    # never singular, not even without any weight
    hold = torch.diag_embed(damping * weight.sum(dim=-1, keepdim=True) + 1e-6)  # (*, 6, 6)
    for _ in range(steps):
        in_camera, image = project(points, pose, focal)
        error = seen - image
        trust = weight / (1.0 + (error / robust).square().sum(dim=-1))
        jacobian = _jacobian(in_camera, image, focal)  # (*, 2 N, 6)
        weighted = jacobian * trust.repeat_interleave(2, dim=-1).unsqueeze(-1)
        normal = weighted.transpose(-1, -2) @ jacobian + hold
        pull = (weighted * error.flatten(-2).unsqueeze(-1)).sum(dim=-2)  # (*, 6)
        turn, move = torch.linalg.solve(normal, pull).split(3, dim=-1)
        pose = Pose(
            pose.t + rotate(pose.q, move),
            normalize(turned(pose.q, turn), dim=-1),
        )
    return pose, error, trust


def _jacobian(in_camera: Tensor, image: Tensor, focal: Tensor) -> Tensor:
    """Of image points, x and y in turn (*, 2 N), by a turn and a move of the camera in its own frame (6)."""
    inverse = 1.0 / in_camera[..., 2].clamp_min(NEAREST)
    zero = torch.zeros_like(inverse)
    by_x = torch.stack([focal[0] * inverse, zero, -image[..., 0] * inverse], dim=-1)
    by_y = torch.stack([zero, focal[1] * inverse, -image[..., 1] * inverse], dim=-1)
    by_point = torch.stack([by_x, by_y], dim=-2)  # (*, N, 2, 3)
    # a camera that turns by w sees a point move by -w x p, one that moves by v by -v
    by_turn = torch.linalg.cross(by_point, in_camera.unsqueeze(-2).expand_as(by_point))
    return torch.cat([by_turn, -by_point], dim=-1).flatten(-3, -2)
