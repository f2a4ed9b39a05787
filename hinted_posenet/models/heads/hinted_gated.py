"""Gated residual: image and hint propose a pose, and a learned gate moves the hint towards it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import ConcatFusion, Head, regressor


class HintedGatedHead(Head):
    """(feature, hint) -> hint + gate * (proposal - hint), with a gate in [0, 1] for the position and the rotation.

    The gate starts as a Kalman gain, sigma^2 / (sigma^2 + error^2), with one learned error of the
    proposal; a small network corrects it for each image. Without a hint it is 1: the answer is the proposal.
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
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
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
        q = normalize(compose_rotvec(hint.pose.q, gate[:, 1:] * turn), dim=-1)
        return Pose(hint.pose.t + gate[:, :1] * off_t_m, q)
