"""Uniform training hints: a pose anywhere in the scene, as somebody would guess who only knows the scene."""

import torch
from torch import Generator, Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.protocol import Answer, MeasuredSigma

INSIDE = (0.025, 0.975)  # quantiles of the training positions; label files hold wild outliers


class UniformHints(MeasuredSigma):
    """Positions uniform over the ranges of the three axes, rotations of random training images.

    Their sigma is what such guesses err by, so that a head learns to make nothing of them.
    """

    low_m: Tensor  # (3,)
    high_m: Tensor  # (3,)
    q: Tensor  # (N, 4)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low_m", torch.zeros(3))
        self.register_buffer("high_m", torch.zeros(3))
        self.register_buffer("q", torch.empty(0, 4))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Ranges of the training poses (N,), and the errors of guesses at them."""
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
        """Hints (B,) that have nothing to do with the training poses (B,)."""
        return self.hint(self._guess(len(truth.t), generator))

    def _guess(self, rows: int, generator: Generator) -> Pose:
        where = torch.rand(rows, 3, generator=generator).to(self.low_m)
        which = torch.randint(len(self.q), (rows,), generator=generator).to(self.q.device)
        return Pose(self.low_m + where * (self.high_m - self.low_m), self.q[which])
