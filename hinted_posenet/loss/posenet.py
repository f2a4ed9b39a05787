"""Pose losses: a position term and a rotation term per sample, weighed by beta (2015) or by learning (2017).

Both compare rotations (the angle between them), not raw quaternions: q and -q are the same
rotation, and w >= 0 is not continuous along real sequences.
"""

import torch
from torch import Tensor, nn

from hinted_posenet.geometry import robust_box, rotation_angle
from hinted_posenet.types import InputError, Pose


class PoseLoss(nn.Module):
    """Per-sample terms: position error in ``unit_t`` and rotation error in radians.

    Args:
        unit_t: ``metre``, or ``scene``: half the extent of the training positions, so that one setting
            fits a desk and a county.
        norm: of the position error, 1 or 2 (Euclidean).
    """

    unit_m: Tensor  # ()

    def __init__(self, unit_t: str, norm: int):
        super().__init__()
        if unit_t not in ("metre", "scene"):
            raise InputError(f"loss.unit_t={unit_t}: choose metre or scene")
        self.unit_t = unit_t
        self.norm = norm
        self.register_buffer("unit_m", torch.ones(()))

    def fit(self, truth: Pose) -> None:
        """Measure the scene on its training poses (N,)."""
        if self.unit_t == "scene":
            self.unit_m.copy_(robust_box(truth.t)[1])

    def forward(self, predicted: Pose, truth: Pose) -> Tensor:
        """Loss (B,) of poses (B,)."""
        raise NotImplementedError

    def terms(self, predicted: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
        """Position (B,) in ``unit_t`` and rotation (B,) in radians."""
        difference = (predicted.t - truth.t) / self.unit_m
        position = torch.linalg.vector_norm(difference, ord=self.norm, dim=-1)
        return position, rotation_angle(predicted.q, truth.q)


class BetaLoss(PoseLoss):
    """position + beta * rotation (PoseNet, Kendall et al. 2015).

    Args:
        unit_t, norm: see ``PoseLoss``.
        beta: weight of a radian against a ``unit_t``. Kendall's quaternion distances are half an angle, so
            his beta is twice this one.
    """

    def __init__(self, beta: float, unit_t: str = "metre", norm: int = 2):
        super().__init__(unit_t, norm)
        self.beta = beta

    def forward(self, predicted: Pose, truth: Pose) -> Tensor:
        """Loss (B,) of poses (B,)."""
        position, rotation = self.terms(predicted, truth)
        return position + self.beta * rotation


class LearnedWeightsLoss(PoseLoss):
    """exp(-s_t) position + s_t + exp(-s_r) rotation + s_r, both s learned (Kendall and Cipolla 2017).

    Args:
        unit_t, norm: see ``PoseLoss``.
        s_t, s_r: where they start; 0 and -3 in the paper, for metres and quaternion distances.
    """

    def __init__(self, unit_t: str = "scene", norm: int = 1, s_t: float = 0.0, s_r: float = -3.0):
        super().__init__(unit_t, norm)
        self.s_t = nn.Parameter(torch.tensor(s_t))
        self.s_r = nn.Parameter(torch.tensor(s_r))

    def forward(self, predicted: Pose, truth: Pose) -> Tensor:
        """Loss (B,) of poses (B,); it can be negative."""
        position, rotation = self.terms(predicted, truth)
        return (
            torch.exp(-self.s_t) * position + self.s_t + torch.exp(-self.s_r) * rotation + self.s_r
        )
