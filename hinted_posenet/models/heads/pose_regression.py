"""Plain head: the pose is regressed from the image alone. The head of PoseNet."""

from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import regressor


class PoseRegressionHead(nn.Module):
    """feature -> hidden layer -> position in the unit box and rotation. The hint is not looked at.

    Args:
        channels, grid: of the feature (B, C, G, G).
        rotation: one of model/rotation.py.
        hidden: width of the layer before the regressor (2048 in PoseNet 2015).
        dropout: on that layer.
    """

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
        """Feature (B, C, G, G) -> Pose (B,); the hint (B,) is ignored."""
        raw = self.layers(feature)
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
