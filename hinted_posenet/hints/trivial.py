"""Hints that ignore the query: none (the null-hint control), the mean training pose, and any pose in the scene."""

import torch
from torch import Generator, Tensor

from hinted_posenet.core.geometry import mean_quaternion
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.protocol import Answer, InferenceHints, MeasuredSigma, TrainingHints, sent

INSIDE = (0.025, 0.975)  # quantiles of the training positions; label files hold wild outliers


def no_hint(like: Tensor) -> Hint:
    """Return sigma inf for each row of ``like`` (B, ...); the pose is a placeholder that networks never see."""
    rows = like.shape[0]  # len would fix the batch of an exported graph
    pose = Pose(
        torch.zeros(rows, 3, device=like.device),
        torch.eye(1, 4, device=like.device).expand(rows, 4),  # without a copy from the CPU
    )
    sigma = torch.full((rows,), torch.inf, device=like.device)
    return Hint.isotropic(pose, sigma, sigma)


class NoHint(InferenceHints, TrainingHints):
    """Sigma inf, always."""

    gives_hints = False

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return no hint (B,); the label is ignored."""
        return no_hint(feature)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return no hint (B,)."""
        return no_hint(feature)


class ConstantHint(MeasuredSigma, InferenceHints):
    """Median position and mean rotation of the training poses; sigma is the spread of poses around them.

    It is not calibrated, since the whole training set says more of the spread than one held-out sequence.
    """

    fits_poses_alone = True
    t_m: Tensor  # (3,)
    q: Tensor  # (4,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("t_m", torch.zeros(3))
        self.register_buffer("q", torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Compute the mean of the training poses (N,) and their spread around it."""
        self.t_m.copy_(truth.t.quantile(0.5, dim=0))
        self.q.copy_(mean_quaternion(truth.q))
        self.measure(self._mean(len(truth.t)), truth)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the mean pose (B,)."""
        return self.hint(self._mean(feature.shape[0]))

    def _mean(self, rows: int) -> Pose:
        return Pose(self.t_m.expand(rows, 3), self.q.expand(rows, 4))


class UniformHints(MeasuredSigma, TrainingHints):
    """Positions uniform over the ranges of the three axes, rotations of random training images.

    Their sigma is the error of such guesses, so that a head learns to ignore them.
    """

    fits_poses_alone = True
    low_m: Tensor  # (3,)
    high_m: Tensor  # (3,)
    q: Tensor  # (N, 4)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low_m", torch.zeros(3))
        self.register_buffer("high_m", torch.zeros(3))
        self.register_buffer("q", torch.empty(0, 4))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the ranges of the training poses (N,), and the errors of guesses."""
        low, high = torch.quantile(
            truth.t.double(), torch.tensor(INSIDE).to(truth.t).double(), dim=0
        )
        self.low_m.copy_(low)
        self.high_m.copy_(high)
        self.q = truth.q.clone()
        self.measure(self._guess(len(truth.t), Generator().manual_seed(0)), truth)

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,) that do not depend on the training poses (B,)."""
        return self.hint(self._guess(len(truth.t), generator))

    def _guess(self, rows: int, generator: Generator) -> Pose:
        where, which = sent(
            self.q.device,
            torch.rand(rows, 3, generator=generator),
            torch.randint(len(self.q), (rows,), generator=generator),
        )
        return Pose(self.low_m + where * (self.high_m - self.low_m), self.q[which])
