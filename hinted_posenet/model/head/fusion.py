"""The trunk that both hinted heads share: image feature and embedded hint, concatenated, to raw numbers."""

import torch
from torch import Tensor, nn

from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.hint_code import HintCode
from hinted_posenet.types import Hint


class ConcatFusion(nn.Module):
    """(feature, hint) -> (B, out_features).

    Args:
        in_features: length of the flattened feature.
        out_features: how many numbers to regress.
        hidden: width of the image layer and of the layer before the regressor.
        dropout: on the layer before the regressor.
        embedding: width of the embedded hint.
    """

    def __init__(
        self, in_features: int, out_features: int, hidden: int, dropout: float, embedding: int
    ):
        super().__init__()
        self.code = HintCode()
        self.image = nn.Sequential(
            nn.LayerNorm(in_features), nn.Linear(in_features, hidden), nn.ReLU()
        )
        self.hint = nn.Sequential(
            nn.Linear(self.code.size, embedding),
            nn.ReLU(),
            nn.Linear(embedding, embedding),
            nn.ReLU(),
        )
        self.fuse = nn.Sequential(
            nn.Linear(hidden + embedding, hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.regress = nn.Linear(hidden, out_features)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Tensor:
        """Feature (B, in_features), hint (B,) -> (B, out_features)."""
        embedded = self.hint(self.code(hint, frame))
        raw: Tensor = self.regress(self.fuse(torch.cat([self.image(feature), embedded], dim=-1)))
        return raw
