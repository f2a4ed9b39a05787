"""Hints that look at nothing: no hint (the null-hint control) and the mean training pose (constant pose)."""

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.geometry import mean_quaternion
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.protocol import Answer, MeasuredSigma


def no_hint(like: Tensor) -> Hint:
    """Sigma inf for each row of ``like`` (B, ...); the pose is a placeholder that networks do not look at."""
    rows = len(like)
    pose = Pose(
        torch.zeros(rows, 3, device=like.device),
        torch.tensor([1.0, 0.0, 0.0, 0.0], device=like.device).expand(rows, 4),
    )
    sigma = torch.full((rows,), torch.inf, device=like.device)
    return Hint(pose, sigma, sigma)


class NoHint(nn.Module):
    """Sigma inf, always."""

    oracle = False

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Nothing to fit."""

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: no hint stays no hint."""

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """No hint (B,); the label is not looked at."""
        return no_hint(feature)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """No hint (B,)."""
        return no_hint(feature)


class ConstantHint(MeasuredSigma):
    """Median position and mean rotation of the training poses, trusted as far as poses lie around them."""

    oracle = False
    t_m: Tensor  # (3,)
    q: Tensor  # (4,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("t_m", torch.zeros(3))
        self.register_buffer("q", torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Mean of the training poses (N,) and their spread around it."""
        self.t_m.copy_(truth.t.quantile(0.5, dim=0))
        self.q.copy_(mean_quaternion(truth.q))
        self.measure(self._mean(len(truth.t)), truth)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: the spread of the whole training set says more than one held-out sequence."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The mean pose (B,)."""
        return self.hint(self._mean(len(feature)))

    def _mean(self, rows: int) -> Pose:
        return Pose(self.t_m.expand(rows, 3), self.q.expand(rows, 4))
