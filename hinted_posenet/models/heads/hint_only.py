"""The head that answers with its hint: for localizers whose landmarks do the work."""

from torch import Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head


class HintOnlyHead(Head):
    """Nothing is regressed, and nothing is trained; what a hint does not say is the mean of the scene."""

    takes_covariance = True
    answers_hint = True

    def __init__(self, channels: int, grid: int, rotation: Rotation):
        super().__init__()

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Return the poses (B,) of hints (B,)."""
        return hint.pose
