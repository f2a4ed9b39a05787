"""Cross-attention: queries conditioned on the hint attend to the cells of the image feature."""

import torch
from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head, HintEmbedding, regressor

HEADS = 4  # of attention
LAYERS = 2
QUERIES = 4


class CrossAttentionHead(Head):
    """(feature, hint) -> a small transformer decoder over the cells of the feature -> pose."""

    def __init__(
        self, channels: int, grid: int, rotation: Rotation, width: int, hidden: int, dropout: float
    ):
        super().__init__()
        self.rotation = rotation
        self.cell = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.place = nn.Parameter(0.02 * torch.randn(grid**2, width))
        self.query = nn.Parameter(0.02 * torch.randn(QUERIES, width))
        self.hint = HintEmbedding(width)
        layer = nn.TransformerDecoderLayer(
            width, HEADS, 2 * width, dropout, batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, LAYERS, nn.LayerNorm(width))
        self.regress = regressor(QUERIES * width, hidden, dropout, 3 + rotation.size)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        cells = self.cell(feature.flatten(2).transpose(1, 2)) + self.place  # (B, cells, width)
        queries = self.query + self.hint(hint, frame).unsqueeze(1)  # (B, queries, width)
        raw = self.regress(self.decoder(queries, cells).flatten(1))
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
