"""No hint at all. In training and at inference together this is the null-hint control."""

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.hint.protocol import Answer
from hinted_posenet.types import Hint, Pose, Query


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
