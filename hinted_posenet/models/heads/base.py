"""What hinted heads begin with: the image feature and the embedded hint, concatenated. And how they end."""

import torch
from torch import Tensor, nn

from hinted_posenet.core.types import Hint
from hinted_posenet.models.encoding import HintCode, SceneFrame


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
        """(B, embedding) of hints (B,)."""
        embedded: Tensor = self.layers(self.code(hint, frame))
        return embedded


class ConcatFusion(nn.Module):
    """(feature, hint) -> (B, size), size = hidden + embedding.

    Args:
        channels, grid: of the feature (B, C, G, G).
        hidden: width of the image layer.
        embedding: width of the embedded hint.
    """

    def __init__(self, channels: int, grid: int, hidden: int, embedding: int):
        super().__init__()
        self.size = hidden + embedding
        in_features = channels * grid**2
        self.image = nn.Sequential(
            nn.Flatten(), nn.LayerNorm(in_features), nn.Linear(in_features, hidden), nn.ReLU()
        )
        self.hint = HintEmbedding(embedding)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Tensor:
        """Feature (B, C, G, G), hint (B,) -> (B, size)."""
        return torch.cat([self.image(feature), self.hint(hint, frame)], dim=-1)


def regressor(in_features: int, hidden: int, dropout: float, out_features: int) -> nn.Sequential:
    """A hidden layer with dropout, and the regressed numbers."""
    return nn.Sequential(
        nn.Linear(in_features, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, out_features),
    )
