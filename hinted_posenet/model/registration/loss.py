"""What alignment learns from, and where training starts."""

import torch
from torch import Tensor

from hinted_posenet.geometry import turn_between, turned
from hinted_posenet.types import Pose

# errors of the position, and of what a pixel sees, from which the loss grows as their logarithm
NEAR_M, NEAR_GROUND_M = 2.0, 0.5
LIKELIHOOD = 0.05  # of the likelihood of the information that is stated, beside the error's


def toward(truth: Pose, hint: Pose, limit_m: float) -> Pose:
    """The hint (B,), or the pose on the way from the truth to it that is off by ``limit_m`` on the ground.

    A turn counts as what it moves at the distance of the ground, taken as the height of the camera.
    """
    off_m = hint.t - truth.t
    turn = turn_between(truth.q, hint.q)
    size_m = off_m.norm(dim=-1) + turn.norm(dim=-1) * truth.t[:, 2].abs()
    part = (limit_m / size_m.clamp_min(1e-6)).clamp_max(1.0).unsqueeze(-1)
    return Pose(truth.t + part * off_m, turned(truth.q, part * turn))


def pose_loss(pose: Pose, information: Tensor, truth: Pose, moved_m: Tensor) -> Tensor:
    """(B,): logarithms of the errors, and the surprise at them given what is said to be known, as Student's t.

    Args:
        pose: answers (B,).
        information: of the answers (B, 6, 6), in the axes of ``information_step``.
        truth: (B,).
        moved_m: how far what pixels see is off on the ground (B, n).
    """
    turn = turn_between(pose.q, truth.q)
    error = torch.cat([truth.t - pose.t, turn], dim=-1).unsqueeze(-1)
    size = torch.log1p(error[:, :3, 0].norm(dim=-1) / NEAR_M)
    size = size + torch.log1p(moved_m.mean(dim=1) / NEAR_GROUND_M)
    surprise = (error.mT @ information @ error).flatten() / 6
    likelihood = 3.5 * torch.log1p(surprise) - 0.5 * torch.logdet(information)
    return size + LIKELIHOOD * likelihood
