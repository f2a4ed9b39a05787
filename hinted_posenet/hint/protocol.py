"""Where hints come from: two protocols, so that what runs at inference cannot see a label by type."""

from collections.abc import Callable
from typing import Protocol

from torch import Generator, Tensor

from hinted_posenet.types import Hint, Pose, Query

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
