"""Hinted Residual: the network predicts a correction, and the pose is the hint composed with it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_log,
    quaternion_product,
)
from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.hint_code import HintCode
from hinted_posenet.model.rotation import Rotation
from hinted_posenet.types import Hint, Pose


class HintedResidualHead(nn.Module):
    """(feature, hint) -> hint composed with a correction, in units of the hint's sigma.

    The image alone proposes a pose; how far that is from the hint, in sigmas, is the *innovation*
    of a Kalman filter. The correction is gain * innovation + rest, where gain and rest are
    regressed from image, hint and innovation. (From image and hint alone the network learns to copy
    its hint: it would have to divide by sigma.)

    The position moves in the world frame, the rotation on the camera's side (``q_hint * dq``). A correction is
    bounded to ``bound`` sigmas and the rotation normalised, so that a cascade cannot run away.
    Where there is no hint, or one vaguer than the scene, the unit is the scene itself (its box; one
    radian). Gain and rest start
    at zero: an untrained head returns its hint.

    Args:
        in_features: length of the flattened feature.
        rotation: one of model/rotation.py, of the proposal; a correction is a rotation vector.
        hidden: width of the image layer and of the layer before the regressor.
        dropout: on both layers.
        embedding: width of the embedded hint.
        bound: largest correction per axis in sigmas.
    """

    def __init__(
        self,
        in_features: int,
        rotation: Rotation,
        hidden: int,
        dropout: float,
        embedding: int,
        bound: float,
    ):
        super().__init__()
        self.rotation = rotation
        self.bound = bound
        self.code = HintCode()
        self.image = nn.Sequential(
            nn.LayerNorm(in_features),
            nn.Linear(in_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.propose = nn.Linear(hidden, 3 + rotation.size)
        self.hint = nn.Sequential(
            nn.Linear(self.code.size + 6, embedding),
            nn.ReLU(),
            nn.Linear(embedding, embedding),
            nn.ReLU(),
        )
        self.fuse = nn.Sequential(
            nn.Linear(hidden + embedding, hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.regress = nn.Linear(hidden, 12)
        nn.init.zeros_(self.regress.weight)
        nn.init.zeros_(self.regress.bias)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Feature (B, in_features), hint (B,) -> Pose (B,)."""
        image = self.image(feature)
        unit_t_m = hint.sigma_t.minimum(frame.scale_m).unsqueeze(-1)  # (B, 1)
        unit_r_rad = hint.sigma_r.clamp_max(1.0).unsqueeze(-1)
        proposal = self.propose(image)
        off_t_m = frame.to_metres(proposal[:, :3]) - hint.pose.t
        turn = quaternion_product(quaternion_inverse(hint.pose.q), self.rotation(proposal[:, 3:]))
        innovation = torch.cat([off_t_m / unit_t_m, quaternion_log(turn) / unit_r_rad], dim=-1)
        # linear for a few sigmas, logarithmic for the thousands that a sharp hint makes of a metre
        innovation = innovation.asinh()
        embedded = self.hint(torch.cat([self.code(hint, frame), innovation], dim=-1))
        gain, rest = self.regress(self.fuse(torch.cat([image, embedded], dim=-1))).chunk(2, dim=-1)
        correction = self.bound * torch.tanh(
            (gain * innovation + rest) / self.bound
        )  # (B, 6) sigmas
        return Pose(
            hint.pose.t + unit_t_m * correction[:, :3],
            normalize(
                quaternion_product(hint.pose.q, quaternion_exp(unit_r_rad * correction[:, 3:])),
                dim=-1,
            ),
        )
