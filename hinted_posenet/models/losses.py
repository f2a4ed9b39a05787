"""Pose losses: a position and a rotation term per sample, weighted by a fixed beta (2015) or learned (2017).

Both compare rotations (the angle between them), not raw quaternions: q and -q are the same
rotation, and w >= 0 is not continuous along real sequences.

Both may weight a sample by its hint. Networks receive the sigma of a hint, so an error is large or small
compared with that sigma; in metres alone, vague hints would dominate training.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import robust_box, rotation_angle
from hinted_posenet.core.types import Hint, Pose


class PoseLoss(nn.Module):
    """Per-sample terms: position error in ``unit_t`` and rotation error in radians.

    Args:
        unit_t: ``metre``, or ``scene``: half the extent of the training positions, so that one setting
            fits a desk and a county.
        norm: of the position error, 1 or 2 (Euclidean).
        balance: how much more sharp hints count: terms are weighted by (sigma / whole scene) ** -balance, position
            and rotation each by its own sigma. 0: all alike; 1: errors in sigmas; no hint always weighs 1.
    """

    unit_m: Tensor  # ()
    half_extent_m: Tensor  # ()

    def __init__(self, unit_t: str, norm: Literal[1, 2], balance: float):
        super().__init__()
        if unit_t not in ("metre", "scene"):
            raise InputError(f"loss.unit_t={unit_t}: choose metre or scene")
        self.unit_t = unit_t
        if not balance >= 0:
            raise InputError(f"loss.balance={balance}: must be at least 0")
        self.norm = norm
        self.balance = balance
        self.register_buffer("unit_m", torch.ones(()))
        self.register_buffer("half_extent_m", torch.ones(()))

    def fit(self, truth: Pose) -> None:
        """Measure the scene on its training poses (N,)."""
        self.half_extent_m.copy_(robust_box(truth.t)[1])
        if self.unit_t == "scene":
            self.unit_m.copy_(self.half_extent_m)

    def forward(self, predicted: Pose, truth: Pose, hint: Hint) -> Tensor:
        """Compute the loss (B,) of poses (B,) that were predicted from hints (B,)."""
        raise NotImplementedError

    def terms(self, predicted: Pose, truth: Pose, hint: Hint) -> tuple[Tensor, Tensor]:
        """Compute position (B,) in ``unit_t`` and rotation (B,) in radians, weighted by the hints' sigmas."""
        difference = (predicted.t - truth.t) / self.unit_m
        position = torch.linalg.vector_norm(difference, ord=self.norm, dim=-1)
        vague_t = (hint.sigma_t_m / self.half_extent_m).clamp_max(1.0)
        vague_r = hint.sigma_r_rad.clamp_max(1.0)  # against a radian
        rotation = rotation_angle(predicted.q, truth.q)
        return position * vague_t**-self.balance, rotation * vague_r**-self.balance


class BetaLoss(PoseLoss):
    """position + beta * rotation (PoseNet, Kendall et al. 2015).

    Kendall's quaternion distances are half an angle, so his beta is twice this one.
    """

    def __init__(
        self, beta: float, unit_t: str = "metre", norm: Literal[1, 2] = 2, balance: float = 0.0
    ):
        super().__init__(unit_t, norm, balance)
        self.beta = beta

    def forward(self, predicted: Pose, truth: Pose, hint: Hint) -> Tensor:
        """Compute the loss (B,) of poses (B,)."""
        position, rotation = self.terms(predicted, truth, hint)
        return position + self.beta * rotation


class LearnedWeightsLoss(PoseLoss):
    """exp(-s_t) position + s_t + exp(-s_r) rotation + s_r, both s learned (Kendall and Cipolla 2017).

    They start at 0 and -3 in the paper, for metres and quaternion distances.
    """

    def __init__(
        self,
        unit_t: str = "scene",
        norm: Literal[1, 2] = 1,
        balance: float = 0.0,
        s_t: float = 0.0,
        s_r: float = -3.0,
    ):
        super().__init__(unit_t, norm, balance)
        self.s_t = nn.Parameter(torch.tensor(s_t))
        self.s_r = nn.Parameter(torch.tensor(s_r))

    def forward(self, predicted: Pose, truth: Pose, hint: Hint) -> Tensor:
        """Compute the loss (B,) of poses (B,); it can be negative."""
        position, rotation = self.terms(predicted, truth, hint)
        return (-self.s_t).exp() * position + self.s_t + (-self.s_r).exp() * rotation + self.s_r
