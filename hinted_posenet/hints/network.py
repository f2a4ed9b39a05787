"""Network hint: the answer of a trained network, usually PoseNet, with the error it had on validation."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Query
from hinted_posenet.hints.protocol import InferenceHints


class NetworkHint(InferenceHints):
    """A trained localizer's answer as the hint; the localizer becomes part of the checkpoint.

    It reads the features of the network that it hints, so both must have the same frozen backbone,
    pool and image size; ``feature_key`` identifies them.

    Args:
        localizer: module whose ``answer(query)`` gives a Hint: its pose and the sigma measured
            on validation.
        feature_key: what the localizer's features were computed with.
        config: the localizer's own config, kept so that a checkpoint can rebuild it.
        trained_on: name, scene and ground truth of the localizer's data, and ``offset_m`` that it counts from.
    """

    def __init__(
        self,
        localizer: nn.Module,
        feature_key: str,
        config: dict[str, object],
        trained_on: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.localizer = localizer.requires_grad_(False)
        self.answer: Callable[[Query], Hint] = localizer.answer  # type: ignore[assignment]
        self.feature_key = feature_key
        self.config = config
        self.trained_on = trained_on
        source = localizer.get_submodule("inference_hint")
        self.reads_prior = isinstance(source, InferenceHints) and source.reads_prior

    def train(self, mode: bool = True) -> "NetworkHint":
        """Keep the localizer in evaluation mode, with dropout off."""
        super().train(False)
        return self

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the localizer's answer (B,) for queries (B,) with features (B, C, G, G)."""
        return self.answer(query._replace(feature=feature))
