"""A head: the image answers alone, and a learned trust decides how far to go from there to the hint."""

from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_log,
    quaternion_product,
)
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.heads.pose_regression import PoseRegressionHead


class WeightedHead(Head):
    """The mean of the image's answer and the hint, weighted by how sure each is, as in a Kalman filter.

    The hint says its sigma; that of the image's answer is learned, from the image. A hint that does not know
    (sigma inf) has no weight.

    Args:
        channels, grid: of the feature (B, C, G, G).
        rotation: what the network's numbers are turned into a quaternion by.
        hidden: width of the layer before the regressor.
    """

    def __init__(self, channels: int, grid: int, rotation: Rotation, hidden: int):
        super().__init__()
        self.image = PoseRegressionHead(channels, grid, rotation, hidden, dropout=0.0)
        # of the image's answer: log of sigma in boxes of the scene (SceneFrame), and in radians
        self.log_sigma = nn.Sequential(nn.Flatten(), nn.Linear(channels * grid**2, 2))

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Feature (B, C, G, G), hint (B,) -> Pose (B,), metres and unit quaternions."""
        seen = self.image(feature, hint, frame)
        sigma_box, sigma_r_rad = self.log_sigma(feature).exp().unbind(-1)
        trust_t = _trust(sigma_box * frame.scale_m, hint.sigma_t_m)
        trust_r = _trust(sigma_r_rad, hint.sigma_r_rad)
        turn = quaternion_log(quaternion_product(quaternion_inverse(seen.q), hint.pose.q))
        return Pose(
            seen.t + trust_t * (hint.pose.t - seen.t),
            normalize(quaternion_product(seen.q, quaternion_exp(trust_r * turn)), dim=-1),
        )


def _trust(sigma: Tensor, hint_sigma: Tensor) -> Tensor:
    """Weight (B, 1) of a hint with sigmas (B,) beside an answer with sigmas (B,); 0 where the hint's is inf."""
    return (sigma**2 / (sigma**2 + hint_sigma**2)).unsqueeze(-1)
