"""Rotation outputs: how many numbers a head regresses for a rotation, and what they mean.

A representation is centred on the identity: zeros are no rotation, and small numbers are small
rotations of about that many radians. So one switch serves absolute rotations and residuals alike.
"""

import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.geometry import quaternion_exp


class Rotation(nn.Module):
    """A representation: ``size`` raw numbers -> unit quaternion."""

    size: int


class Quaternion(Rotation):
    """Four numbers, normalised (PoseNet, 2015)."""

    size = 4

    def forward(self, raw: Tensor) -> Tensor:
        """(*, 4) -> unit quaternion (*, 4)."""
        # 0.5: the vector part of a small rotation is half its angle
        return normalize(0.5 * raw + raw.new_tensor([1.0, 0.0, 0.0, 0.0]), dim=-1)


class LogQuaternion(Rotation):
    """A rotation vector (MapNet, 2018)."""

    size = 3

    def forward(self, raw: Tensor) -> Tensor:
        """(*, 3) radians -> unit quaternion (*, 4)."""
        return quaternion_exp(raw)


class SixD(Rotation):
    """Two columns of the matrix, orthonormalised (Zhou et al., 2019): continuous over all rotations."""

    size = 6

    def forward(self, raw: Tensor) -> Tensor:
        """(*, 6) -> unit quaternion (*, 4)."""
        columns = raw + raw.new_tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        x = normalize(columns[..., :3], dim=-1)
        y = normalize(columns[..., 3:] - (x * columns[..., 3:]).sum(-1, keepdim=True) * x, dim=-1)
        matrix = torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)
        return normalize(rotation_matrix_to_quaternion(matrix), dim=-1)
