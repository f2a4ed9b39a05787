"""Encoding of poses and hints for networks: scene frame, rotation representations, hint code."""

import math

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix, rotation_matrix_to_quaternion
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import mean_quaternion, quaternion_exp, robust_box
from hinted_posenet.core.types import Hint, Pose


class SceneFrame(nn.Module):
    """Center and scale of a scene, fitted on training poses and kept as buffers (in the checkpoint).

    ``unit = (metres - center_m) / scale_m``; one scale for the three axes, so that rotations stay
    rotations.
    """

    center_m: Tensor  # (3,)
    scale_m: Tensor  # ()
    spread_m: Tensor  # (3,) within which 68 % of the training positions are, along each axis
    mean_q: Tensor  # (4,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center_m", torch.zeros(3))
        self.register_buffer("scale_m", torch.ones(()))
        self.register_buffer("spread_m", torch.ones(3))
        self.register_buffer("mean_q", torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def fit(self, truth: Pose) -> None:
        """Measure the robust box of the training positions (N, 3), and the mean of their rotations (N, 4)."""
        if len(truth.t) == 0 or not torch.isfinite(truth.t).all():
            raise InputError(
                "training positions: expected at least one, all finite; fix the labels"
            )
        center_m, scale_m = robust_box(truth.t)
        self.center_m.copy_(center_m)
        self.scale_m.copy_(scale_m)
        self.spread_m.copy_((truth.t - center_m).abs().quantile(0.68, dim=0).clamp_min(1e-3))
        self.mean_q.copy_(mean_quaternion(truth.q))

    def to_unit(self, t: Tensor) -> Tensor:
        """Convert (*, 3) metres to (*, 3) unit box."""
        return (t - self.center_m) / self.scale_m

    def to_metres(self, unit: Tensor) -> Tensor:
        """Convert (*, 3) unit box to (*, 3) metres."""
        return unit * self.scale_m + self.center_m

    def resolve(self, hint: Hint) -> Hint:
        """Replace axes of the position, or a rotation, of which hints (*,) know nothing by the scene's mean.

        So a placeholder with infinite variance can never reach a network.
        """
        known = hint.variance.isfinite()
        t = torch.where(known[..., :3], hint.pose.t, self.center_m)
        q = torch.where(known[..., 3:].any(dim=-1, keepdim=True), hint.pose.q, self.mean_q)
        return hint._replace(pose=Pose(t, q))

    def filled(self, hint: Hint) -> Hint:
        """Complete positions of which hints (*,) know some axes by mean and spread of the training positions."""
        variance = hint.variance
        known = variance.isfinite()
        fill = known[..., :3].any(dim=-1, keepdim=True) & ~known[..., :3]
        filled = torch.where(fill, self.spread_m**2, variance[..., :3])
        variance = torch.cat([filled, variance[..., 3:]], dim=-1)
        beside = hint.covariance * (1 - torch.eye(6, dtype=variance.dtype, device=variance.device))
        return self.resolve(hint)._replace(
            covariance=beside.nan_to_num(0.0) + variance.diag_embed()
        )

    def reduced(self, hint: Hint) -> Hint:
        """Reduce hints (*,) to one sigma of the position and one of the rotation.

        Each is the root mean square over the axes. A position without one or two of its axes is completed as in
        `filled`; a rotation about whose axes not all is known counts as not known.
        """
        whole = self.filled(hint)
        one = Hint.isotropic(whole.pose, whole.sigma_t_m, whole.sigma_r_rad, hint.neighbours)
        q = torch.where(one.sigma_r_rad.isfinite().unsqueeze(-1), one.pose.q, self.mean_q)
        return one._replace(pose=Pose(one.pose.t, q))


class Rotation(nn.Module):
    """A representation: ``size`` raw numbers -> unit quaternion."""

    size: int


class Quaternion(Rotation):
    """Four numbers, normalised (PoseNet, 2015)."""

    size = 4

    def forward(self, raw: Tensor) -> Tensor:
        """Convert (*, 4) to unit quaternions (*, 4)."""
        # 0.5: the vector part of a small rotation is half its angle
        return normalize(0.5 * raw + torch.eye(1, 4, dtype=raw.dtype, device=raw.device)[0], dim=-1)


class LogQuaternion(Rotation):
    """A rotation vector (MapNet, 2018)."""

    size = 3

    def forward(self, raw: Tensor) -> Tensor:
        """Convert (*, 3) radians to unit quaternions (*, 4)."""
        return quaternion_exp(raw)


class SixD(Rotation):
    """Two columns of the matrix, orthonormalised (Zhou et al., 2019): continuous over all rotations."""

    size = 6

    def forward(self, raw: Tensor) -> Tensor:
        """Convert (*, 6) to unit quaternions (*, 4)."""
        # the first two columns of the identity
        columns = raw + torch.eye(2, 3, dtype=raw.dtype, device=raw.device).flatten()
        x = normalize(columns[..., :3], dim=-1)
        y = normalize(columns[..., 3:] - (x * columns[..., 3:]).sum(-1, keepdim=True) * x, dim=-1)
        matrix = torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)
        return normalize(rotation_matrix_to_quaternion(matrix), dim=-1)


FREQUENCIES = 7  # octaves of the position; the finest has a period of 2^(2 - FREQUENCIES) boxes


class HintCode(nn.Module):
    """Hint (B,) -> (B, size): the *expected* sin/cos features of a pose that is known to within sigma.

    For x ~ N(u, s^2), E[sin(w x)] = sin(w u) exp(-w^2 s^2 / 2) (as in mip-NeRF, Barron et al.,
    2021): a frequency that the hint cannot resolve vanishes, and no hint (sigma = inf) is a code of
    zeros. Rotations enter as matrices, since q and -q are one rotation, damped likewise.
    """

    size = 3 + 6 * FREQUENCIES + 9 + 2

    def forward(self, hint: Hint, frame: SceneFrame) -> Tensor:
        """Encode hints (B,) as (B, size); every entry is finite whatever sigma is."""
        unit = frame.to_unit(hint.pose.t)  # (B, 3)
        sigma = (hint.sigma_t_m / frame.scale_m).unsqueeze(-1)  # (B, 1)
        sigma_r_rad = hint.sigma_r_rad.unsqueeze(-1)
        omega = math.pi * 2.0 ** torch.arange(float(FREQUENCIES), device=unit.device)  # (F,)
        phase = unit.unsqueeze(-1) * omega  # (B, 3, F)
        damping = torch.exp(-0.5 * (omega * sigma) ** 2).unsqueeze(1)  # (B, 1, F)
        rotation = quaternion_to_rotation_matrix(hint.pose.q).flatten(1)
        return torch.cat(
            [
                unit / (1.0 + sigma**2),
                (damping * phase.sin()).flatten(1),
                (damping * phase.cos()).flatten(1),
                rotation * torch.exp(-(sigma_r_rad**2)),
                precision(sigma),
                precision(sigma_r_rad),
            ],
            dim=-1,
        )


def precision(sigma: Tensor) -> Tensor:
    """Compute a hint's precision relative to the scene (1 box, 1 radian) on a log scale; 0 without a hint."""
    return torch.log1p(1.0 / sigma.clamp_min(1e-4))
