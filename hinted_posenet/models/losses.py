"""Pose losses: a position term and a rotation term per sample, weighed by beta (2015) or by learning (2017).

Both compare rotations (the angle between them), not raw quaternions: q and -q are the same
rotation, and w >= 0 is not continuous along real sequences.

Both may weigh a sample by its hint. Where hints are told with their sigma, an error is large or small
beside that sigma, and in metres alone the vague hints would teach everything.
"""

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
        balance: how much more sharp hints count: terms are weighed by (sigma / whole scene) ** -balance, position
            and rotation each by its own sigma. 0: all alike; 1: errors in sigmas; no hint always weighs 1.
    """

    unit_m: Tensor  # ()
    half_extent_m: Tensor  # ()

    def __init__(self, unit_t: str, norm: int, balance: float):
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
        """Loss (B,) of poses (B,) that were answered to hints (B,)."""
        raise NotImplementedError

    def terms(self, predicted: Pose, truth: Pose, hint: Hint) -> tuple[Tensor, Tensor]:
        """Position (B,) in ``unit_t`` and rotation (B,) in radians, weighed by the hints' sigmas."""
        difference = (predicted.t - truth.t) / self.unit_m
        position = torch.linalg.vector_norm(difference, ord=self.norm, dim=-1)
        vague_t = (hint.sigma_t_m / self.half_extent_m).clamp_max(1.0)
        vague_r = hint.sigma_r_rad.clamp_max(1.0)  # against a radian
        return (
            position * vague_t**-self.balance,
            rotation_angle(predicted.q, truth.q) * vague_r**-self.balance,
        )


class BetaLoss(PoseLoss):
    """position + beta * rotation (PoseNet, Kendall et al. 2015).

    Args:
        unit_t, norm, balance: see ``PoseLoss``.
        beta: weight of a radian against a ``unit_t``. Kendall's quaternion distances are half an angle, so
            his beta is twice this one.
    """

    def __init__(self, beta: float, unit_t: str = "metre", norm: int = 2, balance: float = 0.0):
        super().__init__(unit_t, norm, balance)
        self.beta = beta

    def forward(self, predicted: Pose, truth: Pose, hint: Hint) -> Tensor:
        """Loss (B,) of poses (B,)."""
        position, rotation = self.terms(predicted, truth, hint)
        return position + self.beta * rotation


class LearnedWeightsLoss(PoseLoss):
    """exp(-s_t) position + s_t + exp(-s_r) rotation + s_r, both s learned (Kendall and Cipolla 2017).

    Args:
        unit_t, norm, balance: see ``PoseLoss``.
        s_t, s_r: where they start; 0 and -3 in the paper, for metres and quaternion distances.
    """

    def __init__(
        self,
        unit_t: str = "scene",
        norm: int = 1,
        balance: float = 0.0,
        s_t: float = 0.0,
        s_r: float = -3.0,
    ):
        super().__init__(unit_t, norm, balance)
        self.s_t = nn.Parameter(torch.tensor(s_t))
        self.s_r = nn.Parameter(torch.tensor(s_r))

    def forward(self, predicted: Pose, truth: Pose, hint: Hint) -> Tensor:
        """Loss (B,) of poses (B,); it can be negative."""
        position, rotation = self.terms(predicted, truth, hint)
        return (
            torch.exp(-self.s_t) * position + self.s_t + torch.exp(-self.s_r) * rotation + self.s_r
        )
