"""Network hint: the answer of a trained network, usually a plain PoseNet, with the error it had on validation."""

from collections.abc import Callable

from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Pose, Query


class NetworkHint(nn.Module):
    """A trained localizer's answer as the hint; the localizer becomes part of the checkpoint.

    It reads the features of the network that it hints, so both must have the same frozen backbone,
    pool and image size; ``feature_key`` tells.

    Args:
        localizer: module whose ``answer(query)`` gives a Hint: its pose and the sigma measured
            on validation.
        feature_key: what the localizer's features were computed with.
        config: the localizer's own config, kept so that a checkpoint can rebuild it.
    """

    oracle = False

    def __init__(self, localizer: nn.Module, feature_key: str, config: dict[str, object]):
        super().__init__()
        self.localizer = localizer.requires_grad_(False)
        self.answer: Callable[[Query], Hint] = localizer.answer  # type: ignore[assignment]
        self.feature_key = feature_key
        self.config = config

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Nothing to fit: the localizer is trained."""

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: the localizer states the sigma that its own validation gave."""

    def train(self, mode: bool = True) -> "NetworkHint":
        """The localizer never goes back to training mode (dropout stays off)."""
        super().train(False)
        return self

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The localizer's answer (B,) for queries (B,) with features (B, C, G, G)."""
        return self.answer(query._replace(feature=feature))
