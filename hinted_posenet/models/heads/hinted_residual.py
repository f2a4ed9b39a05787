"""Hinted Residual: the network predicts a correction, and the pose is the hint composed with it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import compose_rotvec, quaternion_inverse, relative_rotvec, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import ConcatFusion, Head, regressor


class HintedResidualHead(Head):
    """(feature, hint) -> hint composed with a correction, in units of the hint's sigma.

    Image and hint propose a pose; its distance from the hint, in sigmas, is the *innovation* of a Kalman
    filter, and the correction is gain * innovation. The network learns both the proposal and the gain. (From
    image and hint alone, without an innovation, it learns to copy the hint: it would have to divide by sigma.)

    The position moves along the axes of the world or of the hint's camera (in which left in the image is left in
    every view), the rotation on the camera's side (``q_hint * dq``). A correction is bounded to ``bound`` sigmas,
    so that a cascade cannot run away. Where there is no hint, or one vaguer than the scene, the unit is the scene
    itself (its box; one radian). The gain starts at zero: an untrained head returns its hint.
    """

    def __init__(
        self,
        channels: int,
        grid: int,
        rotation: Rotation,
        hidden: int,
        dropout: float,
        embedding: int,
        axes: str,
        bound: float | None,
    ):
        super().__init__()
        if axes not in ("world", "camera"):
            raise InputError(f"head.axes={axes}: choose world or camera")
        self.rotation = rotation
        self.axes = axes
        self.bound = bound
        self.fusion = ConcatFusion(channels, grid, hidden, embedding)
        self.propose = regressor(self.fusion.size, hidden, dropout, 3 + rotation.size)
        to_gain = nn.Linear(embedding, 6)
        nn.init.zeros_(to_gain.weight)
        nn.init.zeros_(to_gain.bias)
        self.gain = nn.Sequential(nn.Linear(self.fusion.size + 6, embedding), nn.ReLU(), to_gain)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        fused = self.fusion(feature, hint, frame)
        unit_t_m = hint.sigma_t_m.minimum(frame.scale_m).unsqueeze(-1)  # (B, 1)
        unit_r_rad = hint.sigma_r_rad.clamp_max(1.0).unsqueeze(-1)
        proposal = self.propose(fused)
        off_t_m = frame.to_metres(proposal[:, :3]) - hint.pose.t
        if self.axes == "camera":
            off_t_m = rotate(quaternion_inverse(hint.pose.q), off_t_m)
        turn = relative_rotvec(hint.pose.q, self.rotation(proposal[:, 3:]))
        # linear for a few sigmas, logarithmic for the thousands that a sharp hint makes of a metre
        innovation = torch.cat([off_t_m / unit_t_m, turn / unit_r_rad], dim=-1).asinh()
        gain = self.gain(torch.cat([fused, innovation], dim=-1))
        correction = gain * innovation  # (B, 6) sigmas
        if self.bound:
            correction = self.bound * torch.tanh(correction / self.bound)
        move_m = unit_t_m * correction[:, :3]
        if self.axes == "camera":
            move_m = rotate(hint.pose.q, move_m)
        q = normalize(compose_rotvec(hint.pose.q, unit_r_rad * correction[:, 3:]), dim=-1)
        return Pose(hint.pose.t + move_m, q)
