"""HintCode: a hint as numbers that a network can use, fading out smoothly as the hint gets vague."""

import math

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor, nn

from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.types import Hint

FREQUENCIES = 7  # octaves of the position; the finest has a period of 2^(2 - FREQUENCIES) boxes


class HintCode(nn.Module):
    """Hint (B,) -> (B, size): the *expected* sin/cos features of a pose that is known to within sigma.

    For x ~ N(u, s^2), E[sin(w x)] = sin(w u) exp(-w^2 s^2 / 2) (as in mip-NeRF, Barron et al.,
    2021): a frequency that the hint cannot resolve vanishes, and no hint (sigma = inf) is a code of
    zeros. Rotations enter as matrices, since q and -q are one rotation, damped likewise.
    """

    size = 3 + 6 * FREQUENCIES + 9 + 2

    def forward(self, hint: Hint, frame: SceneFrame) -> Tensor:
        """Code (B, size) of hints (B,); every entry is finite whatever sigma is."""
        unit = frame.to_unit(hint.pose.t)  # (B, 3)
        sigma = (hint.sigma_t_m / frame.scale_m).unsqueeze(-1)  # (B, 1)
        sigma_r_rad = hint.sigma_r_rad.unsqueeze(-1)
        omega = math.pi * 2.0 ** torch.arange(FREQUENCIES, device=unit.device)  # (F,)
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
    """How much better than the whole scene (1 box, 1 radian) a hint is, on a log scale; 0 for none."""
    return torch.log1p(1.0 / sigma.clamp_min(1e-4))
