"""Hinted Embedding: the hint is embedded, fused with the image, and the pose is regressed from both."""

from torch import Tensor, nn

from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.head.fusion import ConcatFusion
from hinted_posenet.types import Hint, Pose


class HintedEmbeddingHead(nn.Module):
    """(feature, hint) -> position in the unit box and rotation.

    Args:
        in_features: length of the flattened feature.
        rotation: one of model/rotation.py.
        hidden, dropout, embedding: see ``ConcatFusion``.
    """

    def __init__(
        self, in_features: int, rotation: nn.Module, hidden: int, dropout: float, embedding: int
    ):
        super().__init__()
        self.rotation = rotation
        self.fusion = ConcatFusion(in_features, 3 + rotation.size, hidden, dropout, embedding)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Feature (B, in_features), hint (B,) -> Pose (B,)."""
        raw = self.fusion(feature, hint, frame)
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))
