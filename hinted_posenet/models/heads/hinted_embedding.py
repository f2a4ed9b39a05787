"""Hinted Embedding: the hint is embedded, fused with the image, and the pose is regressed from both."""

from torch import Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import ConcatFusion, Head, regressor


class HintedEmbeddingHead(Head):
    """(feature, hint) -> position in the unit box and rotation, by concatenation."""

    def __init__(
        self,
        channels: int,
        grid: int,
        rotation: Rotation,
        hidden: int,
        dropout: float,
        embedding: int,
    ):
        super().__init__()
        self.rotation = rotation
        self.fusion = ConcatFusion(channels, grid, hidden, embedding)
        self.regress = regressor(self.fusion.size, hidden, dropout, 3 + rotation.size)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        raw = self.regress(self.fusion(feature, hint, frame))
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
