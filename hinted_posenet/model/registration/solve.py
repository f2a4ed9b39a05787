"""One Gauss-Newton step of a pose, from displacements with their information and a Gaussian prior."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.geometry import turn_between, turned
from hinted_posenet.types import Pose


class Prior(NamedTuple):
    """What is known before the image is looked at."""

    pose: Pose  # (B,)
    sigma: Tensor  # (B, 6) metres along the world's axes, then radians about the camera's


def information_step(
    pose: Pose, J: Tensor, A: Tensor, b: Tensor, prior: Prior
) -> tuple[Pose, Tensor]:
    """The maximum a posteriori pose (B,), to first order, and its information (B, 6, 6).

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
    weight = prior.sigma**-2
    turn = turn_between(pose.q, prior.pose.q)
    information = information + torch.diag_embed(weight)
    pull = pull + weight * torch.cat([prior.pose.t - pose.t, turn], dim=-1)
    step = torch.linalg.solve(information, pull)
    q = normalize(turned(pose.q, step[:, 3:]), dim=-1)
    return Pose(pose.t + step[:, :3], q), information


def symmetric_product(A: Tensor, v: Tensor) -> Tensor:
    """Symmetric matrices (*, 3) as xx, xy, yy, times vectors (*, 2)."""
    (xx, xy, yy), (x, y) = A.unbind(-1), v.unbind(-1)
    return torch.stack([xx * x + xy * y, xy * x + yy * y], dim=-1)
