"""Uniform training hints: a pose anywhere in the scene, as somebody would guess who only knows the scene."""

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.hint.protocol import Answer
from hinted_posenet.hint.sigma import robust_sigma
from hinted_posenet.types import NO_NEIGHBOURS, Hint, Pose

INSIDE = (0.025, 0.975)  # quantiles of the training positions; label files hold wild outliers


class UniformHints(nn.Module):
    """Positions uniform over the ranges of the three axes, rotations of random training images.

    Their sigma is what such guesses err by, so that a head learns to make nothing of them.
    """

    low_m: Tensor  # (3,)
    high_m: Tensor  # (3,)
    q: Tensor  # (N, 4)
    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low_m", torch.zeros(3))
        self.register_buffer("high_m", torch.zeros(3))
        self.register_buffer("q", torch.empty(0, 4))
        self.register_buffer("sigma_t_m", torch.ones(()))
        self.register_buffer("sigma_r_rad", torch.ones(()))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Ranges of the training poses (N,), and the errors of guesses at them."""
        low, high = torch.quantile(
            truth.t.double(), torch.tensor(INSIDE).to(truth.t).double(), dim=0
        )
        self.low_m.copy_(low)
        self.high_m.copy_(high)
        self.q = truth.q.clone()
        for buffer, value in zip(
            (self.sigma_t_m, self.sigma_r_rad),
            robust_sigma(self._guess(len(truth.t), Generator().manual_seed(0)), truth),
            strict=True,
        ):
            buffer.copy_(value)

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Hints (B,) that have nothing to do with the training poses (B,)."""
        rows = len(truth.t)
        return Hint(
            self._guess(rows, generator),
            self.sigma_t_m.expand(rows),
            self.sigma_r_rad.expand(rows),
            NO_NEIGHBOURS.to(truth.t.device).expand(rows, 0),
        )

    def _guess(self, rows: int, generator: Generator) -> Pose:
        where = torch.rand(rows, 3, generator=generator).to(self.low_m)
        which = torch.randint(len(self.q), (rows,), generator=generator).to(self.q.device)
        return Pose(self.low_m + where * (self.high_m - self.low_m), self.q[which])
