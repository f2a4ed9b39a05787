"""Where the dot of a fake image is, and where its pose says that it must be."""

import fakes
import torch
from torch import Tensor

from hinted_posenet.core.geometry import invert, quaternion_exp, rotate
from hinted_posenet.core.types import Sample
from hinted_posenet.data.augment.augment import new_views

DOT = torch.tensor(fakes.DOT_WORLD, dtype=torch.float32)


def dot_in_image(image: Tensor) -> Tensor:  # (B, 3, H, W) -> (B, 2) centroid in pixels
    red = (image[:, 0] - 0.1).clamp_min(0)
    x = torch.arange(image.shape[-1]) + 0.5
    y = torch.arange(image.shape[-2]) + 0.5
    mass = red.sum((1, 2))
    return torch.stack([(red.sum(1) @ x) / mass, (red.sum(2) @ y) / mass], -1)


def dot_by_pose(sample: Sample) -> Tensor:  # (B, 2) pixels
    t, q = invert(*sample.T_world_cam)
    u = (sample.query.K @ (rotate(q, DOT) + t)[..., None]).squeeze(-1)
    return u[:, :2] / u[:, 2:]


def rotate_cameras(sample: Sample, vector: Tensor, padding_mode: str = "border") -> Sample:
    """The same cameras turned by ``vector`` (B, 3), radians in the old camera's axes; all else stays."""
    height, width = sample.query.image.shape[-2:]
    turn = quaternion_exp(vector)
    return new_views(sample, turn, sample.query.K, height, width, padding_mode)
