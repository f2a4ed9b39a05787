"""Gated residual: image and hint propose a pose, and a learned trust says how far to go from the hint to it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import ConcatFusion, regressor


class HintedGatedHead(nn.Module):
    """(feature, hint) -> hint + gate * (proposal - hint), with a gate in [0, 1] for the position and the rotation.

    The gate starts as a Kalman gain, sigma^2 / (sigma^2 + error^2), with one learned error of the
    proposal; a small network corrects it for each image. Without a hint it is 1: the answer is the proposal.

    Args:
        channels, grid: of the feature (B, C, G, G).
        rotation: one of model/rotation.py, of the proposal.
        hidden: width of the image layer and of the proposal's.
        dropout: on the layer before the proposal.
        embedding: width of the embedded hint and of the gate's layer.
    """

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
        self.propose = regressor(self.fusion.size, hidden, dropout, 3 + rotation.size)
        last = nn.Linear(embedding, 2)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.trust = nn.Sequential(nn.Linear(self.fusion.size + 6, embedding), nn.ReLU(), last)
        self.log_error = nn.Parameter(torch.tensor([-2.5, -2.0]))  # boxes, and radians

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Feature (B, C, G, G), hint (B,) -> Pose (B,)."""
        fused = self.fusion(feature, hint, frame)
        proposal = self.propose(fused)
        off_t_m = frame.to_metres(proposal[:, :3]) - hint.pose.t
        turn = relative_rotvec(hint.pose.q, self.rotation(proposal[:, 3:]))
        sigma = torch.stack([hint.sigma_t_m / frame.scale_m, hint.sigma_r_rad], dim=-1)  # (B, 2)
        unit = sigma.clamp_max(1.0).unsqueeze(-1)
        innovation = torch.cat(  # in sigmas; logarithmic for the thousands that a sharp hint makes of a metre
            [off_t_m / frame.scale_m / unit[:, 0], turn / unit[:, 1]], dim=-1
        ).asinh()
        odds = 2.0 * (sigma.clamp(1e-6, 1e6).log() - self.log_error)
        gate = torch.sigmoid(odds + self.trust(torch.cat([fused, innovation], dim=-1)))
        gate = torch.where(sigma.isfinite(), gate, 1.0)
        return Pose(
            hint.pose.t + gate[:, :1] * off_t_m,
            normalize(compose_rotvec(hint.pose.q, gate[:, 1:] * turn), dim=-1),
        )
