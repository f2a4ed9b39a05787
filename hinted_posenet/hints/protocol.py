"""Sources of hints: two protocols, so that inference cannot see a label by type; sigmas measured from errors."""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query

# The norm of a 3-vector of unit normal components has this median (chi distribution, 3 degrees of
# freedom).
CHI3_MEDIAN = 1.5382


def robust_sigma(estimate: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Per-axis standard errors of poses (N,) from their median error: metres (), radians ().

    The median, because a few gross errors (a wrong retrieval) should not make the rest look bad.
    """
    error_t = (estimate.t - truth.t).norm(dim=-1)
    error_r = rotation_angle(estimate.q, truth.q)
    return (
        (error_t.quantile(0.5) / CHI3_MEDIAN).clamp_min(1e-3),
        (error_r.quantile(0.5) / CHI3_MEDIAN).clamp(math.radians(0.1), math.pi),
    )


class MeasuredSigma(nn.Module):
    """A source whose hints all have the sigma of errors that were seen; unknown (inf) before."""

    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sigma_t_m", torch.tensor(torch.inf))
        self.register_buffer("sigma_r_rad", torch.tensor(torch.inf))

    def measure(self, estimate: Pose, truth: Pose) -> None:
        """Set sigma to the errors of poses (N,)."""
        sigma_t_m, sigma_r_rad = robust_sigma(estimate, truth)
        self.sigma_t_m.copy_(sigma_t_m)
        self.sigma_r_rad.copy_(sigma_r_rad)

    def hint(self, pose: Pose, neighbours: Tensor = NO_NEIGHBOURS) -> Hint:
        """Poses (B,) with that sigma."""
        return Hint.with_sigma(pose, self.sigma_t_m, self.sigma_r_rad, neighbours)


# the network's own answer (B,) to features (B, C, G, G) and hints (B,), without gradient
Answer = Callable[[Tensor, Hint], Pose]


class HintSource(Protocol):
    """An nn.Module: what it fits is in the checkpoint."""

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """The whole training set, once.

        Args:
            truth: Poses (N,).
            feature: Pooled features (N, C, G, G).
            sequence: (N,) int64, which drive, or flight and date, each was taken on.
        """


class TrainingHints(HintSource, Protocol):
    """Draws hints while training; may look at the label."""

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Hints (B,) for a batch of training poses (B,) with features (B, C, G, G)."""


class InferenceHints(HintSource, Protocol):
    """Gives the first hint at inference, from what a Query holds."""

    oracle: bool  # whether a Query's prior was made from its label: stamped on every result

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Own hints of the validation split beside its truth: sigma is set to the errors seen there."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Hints (B,) for queries (B,) with features (B, C, G, G)."""
