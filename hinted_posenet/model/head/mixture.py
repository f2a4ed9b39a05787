"""A mixture of poses: what an image leaves open, and what is left of it once a hint is known."""

from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.geometry import turn_between, turned
from hinted_posenet.types import Hint, Pose


class Mixture(NamedTuple):
    """Weighted normal distributions of the position and, on the camera's side, of the rotation."""

    log_weight: Tensor  # (B, K), of weights that sum to 1
    pose: Pose  # (B, K)
    sigma_t_m: Tensor  # (B, K) per axis
    sigma_r_rad: Tensor  # (B, K) per axis

    def negative_log_likelihood(self, truth: Pose) -> tuple[Tensor, Tensor]:
        """Of the true poses (B,): of their positions, and of their rotations, (B,) each, up to a constant.

        A component answers for a rotation as far as it answers for the position: rotations, which are the
        easier part, would else decide which component a sample belongs to.
        """
        off_t = self.pose.t - truth.t.unsqueeze(1)
        off_r = turn_between(self.pose.q, truth.q.unsqueeze(1))
        position = self.log_weight + _log_density(off_t, self.sigma_t_m.square())
        share = position.detach().softmax(dim=1)
        rotation = _log_density(off_r, self.sigma_r_rad.square())
        return -position.logsumexp(dim=1), -(share * rotation).sum(dim=1)

    def given(self, hint: Hint) -> "Mixture":
        """The posterior under a hint (B,), by Bayes' rule: each component is a Kalman update.

        Its weight is how well it foretold the hint. Sigma inf changes nothing.
        """
        off_t = hint.pose.t.unsqueeze(1) - self.pose.t
        off_r = turn_between(self.pose.q, hint.pose.q.unsqueeze(1))
        t, fit_t, sigma_t_m = _kalman(off_t, self.sigma_t_m, hint.sigma_t_m.unsqueeze(1))
        r, fit_r, sigma_r_rad = _kalman(off_r, self.sigma_r_rad, hint.sigma_r_rad.unsqueeze(1))
        return Mixture(
            (self.log_weight + fit_t + fit_r).log_softmax(dim=1),
            Pose(self.pose.t + t, turned(self.pose.q, r)),
            sigma_t_m,
            sigma_r_rad,
        )

    def likeliest(self) -> Hint:
        """The component (B,) with the most weight: never between two places that look alike."""
        best = self.log_weight.argmax(dim=1, keepdim=True)
        pose = Pose(
            *(part.take_along_dim(best.unsqueeze(-1), dim=1).squeeze(1) for part in self.pose)
        )
        sigmas = (self.sigma_t_m, self.sigma_r_rad)
        return Hint(pose, *(sigma.take_along_dim(best, dim=1).squeeze(1) for sigma in sigmas))


def _kalman(off: Tensor, sigma: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How far estimates (B, K) move to another (B, 1) that is ``off`` (B, K, 3); its likelihood; the new sigma."""
    known = other.isfinite()
    other = torch.where(known, other, 1.0)
    both = sigma.square() + other.square()
    gain = torch.where(known, sigma.square() / both, 0.0)
    likelihood = torch.where(known, _log_density(off, both), 0.0)
    return (
        gain.unsqueeze(-1) * off,
        likelihood,
        torch.where(known, sigma * other / both.sqrt(), sigma),
    )


def _log_density(off: Tensor, variance: Tensor) -> Tensor:
    """Of 3-vectors (*, 3) under N(0, variance (*)), up to a constant."""
    log_density: Tensor = -0.5 * off.square().sum(dim=-1) / variance - 1.5 * variance.log()
    return log_density
