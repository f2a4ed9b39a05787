"""Pose regression from the image alone: the head of PoseNet."""

from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head, regressor


class PoseRegressionHead(Head):
    """feature -> hidden layer (2048 in PoseNet 2015) -> position in the unit box and rotation."""

    takes_hints = False

    def __init__(self, channels: int, grid: int, rotation: Rotation, hidden: int, dropout: float):
        super().__init__()
        self.rotation = rotation
        in_features = channels * grid**2
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.LayerNorm(in_features),
            *regressor(in_features, hidden, dropout, 3 + rotation.size),
        )

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G); the hint (B,) is ignored."""
        raw = self.layers(feature)
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
