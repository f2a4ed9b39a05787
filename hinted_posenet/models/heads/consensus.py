"""Several uncertain answers to one query, and the one answer that most of them agree on."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec, rotation_angle
from hinted_posenet.core.types import Hint, Pose

ROUNDS = 10
# p(e) ~ exp(-|e| / s) over 3-vectors e has a standard deviation of 2 s in each axis
AXIS_SIGMA = 2.0


class Hypotheses(NamedTuple):
    """Poses, and the scales of their errors: p(e) ~ exp(-|e| / scale) / scale^3."""

    pose: Pose  # (B, K)
    scale_t_m: Tensor  # (B, K)
    scale_r_rad: Tensor  # (B, K)

    def negative_log_likelihood(self, truth: Pose) -> tuple[Tensor, Tensor]:
        """Compute it for true poses (B,): position and rotation, (B, K) each, up to a constant."""
        error_t = (self.pose.t - truth.t.unsqueeze(1)).norm(dim=-1)
        error_r = rotation_angle(self.pose.q, truth.q.unsqueeze(1))
        return (
            error_t / self.scale_t_m + 3 * self.scale_t_m.log(),
            error_r / self.scale_r_rad + 3 * self.scale_r_rad.log(),
        )


def consensus(hypotheses: Hypotheses) -> Hint:
    """Find the pose (B,) that the most certain hypothesis and those near it agree on, and its standard deviations.

    Iteratively reweighted means: a hypothesis that lies its own scale away counts half (Cauchy), so that wrong
    neighbours drop out. Errors of hypotheses are correlated (same image, same network), so the result is not
    considered more certain than they are.
    """
    pose, scale_t_m, scale_r_rad = hypotheses
    best = scale_t_m.argmin(dim=1, keepdim=True)  # (B, 1)
    start = Pose(*(part.take_along_dim(best.unsqueeze(-1), dim=1) for part in pose))  # (B, 1)
    off_t = pose.t - start.t  # (B, K, 3)
    off_r = relative_rotvec(start.q, pose.q)
    t, trust = torch.zeros_like(start.t), torch.ones_like(scale_t_m)
    for _ in range(ROUNDS):
        trust = 1.0 / (1.0 + ((off_t - t).norm(dim=-1) / scale_t_m).square())
        t = _mean(off_t, trust / scale_t_m.square())
    r = _mean(off_r, trust / scale_r_rad.square())
    q = normalize(compose_rotvec(start.q, r), dim=-1)
    precisions = ((trust / scale.square()).sum(dim=1) for scale in (scale_t_m, scale_r_rad))
    sigmas = (AXIS_SIGMA * (trust.sum(dim=1) / precision).sqrt() for precision in precisions)
    return Hint(Pose((start.t + t).squeeze(1), q.squeeze(1)), *sigmas)


def fuse(answer: Hint, hint: Hint) -> Hint:
    """Average two independent estimates (B,), weighted by their precisions; sigma inf has no weight."""
    gain_t = _gain(answer.sigma_t_m, hint.sigma_t_m)
    gain_r = _gain(answer.sigma_r_rad, hint.sigma_r_rad)
    turn = relative_rotvec(answer.pose.q, hint.pose.q)
    pose = Pose(
        answer.pose.t + gain_t * (hint.pose.t - answer.pose.t),
        normalize(compose_rotvec(answer.pose.q, gain_r * turn), dim=-1),
    )
    sigmas = ((answer.sigma_t_m, gain_t), (answer.sigma_r_rad, gain_r))
    return Hint(pose, *(sigma * (1 - gain.squeeze(-1)).sqrt() for sigma, gain in sigmas))


def _mean(vector: Tensor, weight: Tensor) -> Tensor:
    """Average vectors (B, K, 3) with weights (B, K) to (B, 1, 3)."""
    share = weight / weight.sum(dim=1, keepdim=True)
    return (share.unsqueeze(-1) * vector).sum(dim=1, keepdim=True)


def _gain(sigma: Tensor, other: Tensor) -> Tensor:
    """Return the weight (B, 1) of the other estimate."""
    return (1.0 / (1.0 + (other / sigma).square())).unsqueeze(-1)
