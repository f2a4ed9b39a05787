"""Several uncertain answers to one query, and the one answer that most of them agree on."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec, rotation_angle
from hinted_posenet.core.types import Hint, Modes, Pose

ROUNDS = 10
# p(e) ~ exp(-|e| / s) over 3-vectors e has a standard deviation of 2 s in each axis
AXIS_SIGMA = 2.0
EXPLAINED = 6.3  # and 95 % of them are shorter than so many s


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
    return _agreed(hypotheses, torch.ones_like(hypotheses.scale_t_m, dtype=torch.bool))[0]


def several(hypotheses: Hypotheses) -> Modes:
    """Find the consensus, then again that of the hypotheses which it does not explain: (B, K), each place once.

    Hypotheses count by their certainty: the weight of a mode is the sum of 1 / scale over those that it explains.
    """
    left = torch.ones_like(hypotheses.scale_t_m, dtype=torch.bool)
    modes, log_weights = [], []
    for _ in range(left.shape[1]):
        # where none is left, the first mode again, with a weight of 0
        mode, explained = _agreed(hypotheses, left | ~left.any(dim=1, keepdim=True))
        explained &= left
        log_weights.append((explained / hypotheses.scale_t_m).sum(dim=1).log())
        modes.append(mode)
        left = left & ~explained
    pose = Pose(
        *(torch.stack(parts, dim=1) for parts in zip(*(m.pose for m in modes), strict=True))
    )
    covariance = torch.stack([mode.covariance for mode in modes], dim=1)
    return Modes(torch.stack(log_weights, dim=1).log_softmax(dim=1), pose, covariance)


def _agreed(hypotheses: Hypotheses, among: Tensor) -> tuple[Hint, Tensor]:
    """Return the consensus (B,) of some hypotheses (B, K), and which of them it explains (B, K)."""
    pose, scale_t_m, scale_r_rad = hypotheses
    best = scale_t_m.masked_fill(~among, torch.inf).argmin(dim=1, keepdim=True)  # (B, 1)
    start = Pose(*(part.take_along_dim(best.unsqueeze(-1), dim=1) for part in pose))  # (B, 1)
    off_t = pose.t - start.t  # (B, K, 3)
    off_r = relative_rotvec(start.q, pose.q)
    t, trust = torch.zeros_like(start.t), torch.ones_like(scale_t_m)
    for _ in range(ROUNDS):
        trust = among / (1.0 + ((off_t - t).norm(dim=-1) / scale_t_m).square())
        t = _mean(off_t, trust / scale_t_m.square())
    r = _mean(off_r, trust / scale_r_rad.square())
    q = normalize(compose_rotvec(start.q, r), dim=-1)
    precisions = ((trust / scale.square()).sum(dim=1) for scale in (scale_t_m, scale_r_rad))
    sigmas = (AXIS_SIGMA * (trust.sum(dim=1) / precision).sqrt() for precision in precisions)
    near = (off_t - t).norm(dim=-1) < EXPLAINED * scale_t_m
    near &= (off_r - r).norm(dim=-1) < EXPLAINED * scale_r_rad
    explained = (near & among).scatter(1, best, True)
    return Hint.isotropic(Pose((start.t + t).squeeze(1), q.squeeze(1)), *sigmas), explained


def _mean(vector: Tensor, weight: Tensor) -> Tensor:
    """Average vectors (B, K, 3) with weights (B, K) to (B, 1, 3)."""
    share = weight / weight.sum(dim=1, keepdim=True)
    return (share.unsqueeze(-1) * vector).sum(dim=1, keepdim=True)
