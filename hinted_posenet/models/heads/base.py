"""The base class of all heads, and the layers that several of them share."""

import torch
from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Modes, Pose
from hinted_posenet.models.encoding import HintCode, SceneFrame


class Head(nn.Module):
    """Answers a batch: ``head(feature, hint, frame) -> Pose`` for features (B, C, G, G) and hints (B,).

    Only ``forward`` has to be written; the other methods are for heads that remember training images, have a
    likelihood to train by, or know their own uncertainty.

    What heads are made with: ``channels`` and ``grid`` of the feature, ``rotation`` (a `Rotation` of
    models/encoding.py), and the keys of their configs, ``configs/head/``, which say what each of them does.
    """

    takes_hints = True  # False: the answer is that of the image alone
    # whether it uses all of a hint's covariance; else it gets one sigma of each, see `SceneFrame.reduced`
    takes_covariance = False
    answers_hint = False  # whether it only passes its hint on, to landmarks

    @property
    def remembers_features(self) -> bool:
        """Whether `fit` is repeated for as long as a backbone is trained."""
        return type(self).fit is not Head.fit

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the training set: poses (N,), features (N, C, G, G), sequences (N,) int64.

        Once; while the backbone is trained again and again, with its current features.
        """

    @property
    def has_own_loss(self) -> bool:
        """Whether `loss` replaces the configured pose loss."""
        return type(self).loss is not Head.loss

    def calibrate(self, feature: Tensor, frame: SceneFrame, truth: Pose) -> None:
        """Measure the trained head on the validation split: features (N, C, G, G), poses (N,)."""

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Return the poses (B,) of features (B, C, G, G), given hints (B,)."""
        raise NotImplementedError

    def loss(self, feature: Tensor, hint: Hint, frame: SceneFrame, truth: Pose) -> Tensor | None:
        """Return the head's own loss (B,), or None to train by the configured pose loss."""
        return None

    def estimate(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hint | None:
        """Return the poses with the uncertainty that the head predicts (B,), or None if it predicts none."""
        return None

    def modes(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Modes | None:
        """Return several answers (B, K) of which one is the estimate, or None if the head has no others."""
        return None


class HintEmbedding(nn.Module):
    """Hint (B,) -> (B, embedding): its code through two layers."""

    def __init__(self, embedding: int):
        super().__init__()
        self.code = HintCode()
        self.layers = nn.Sequential(
            nn.Linear(self.code.size, embedding),
            nn.ReLU(),
            nn.Linear(embedding, embedding),
            nn.ReLU(),
        )

    def forward(self, hint: Hint, frame: SceneFrame) -> Tensor:
        """Embed hints (B,) as (B, embedding)."""
        embedded: Tensor = self.layers(self.code(hint, frame))
        return embedded


class ConcatFusion(nn.Module):
    """(feature, hint) -> (B, size): ``hidden`` numbers from the image, ``embedding`` from the hint."""

    def __init__(self, channels: int, grid: int, hidden: int, embedding: int):
        super().__init__()
        self.size = hidden + embedding
        in_features = channels * grid**2
        self.image = nn.Sequential(
            nn.Flatten(), nn.LayerNorm(in_features), nn.Linear(in_features, hidden), nn.ReLU()
        )
        self.hint = HintEmbedding(embedding)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Tensor:
        """Fuse features (B, C, G, G) and hints (B,) to (B, size)."""
        return torch.cat([self.image(feature), self.hint(hint, frame)], dim=-1)


def regressor(in_features: int, hidden: int, dropout: float, out_features: int) -> nn.Sequential:
    """Build a hidden layer with dropout, and the linear layer that regresses the numbers."""
    return nn.Sequential(
        nn.Linear(in_features, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, out_features),
    )
