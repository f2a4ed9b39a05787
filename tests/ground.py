"""Level ground with a texture that every part of the map code is tried on, and cameras over it."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.ground_map import GroundMap

RESOLUTION_M = 2.0
K = torch.tensor([[70.0, 0.0, 32.0], [0.0, 70.0, 32.0], [0.0, 0.0, 1.0]])  # of 64 x 64 pixels
DOWN = torch.tensor([0.0, -1.0, 0.0, 0.0])  # looks down, the image's top is north


def texture(dates: int = 1, size: int = 200, seed: int = 0) -> Tensor:
    """Smooth random colours (D, 3, size, size) in [0, 1], with structure from 2 to 30 pixels."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(dates, 3, size, size)
    for cell in (3, 8, 25):
        noise = torch.rand(dates, 3, size // cell + 2, size // cell + 2, generator=generator)
        wide = interpolate(noise, scale_factor=cell, mode="bilinear")[..., :size, :size]
        total = total + wide / 3
    smooth: Tensor = avg_pool2d(pad(total, [1] * 4, mode="replicate"), 3, stride=1)
    return ((smooth - 0.5) * 2.5 + 0.5).clamp(0, 1)


def flat_map(colours: Tensor, known: Tensor | None = None) -> GroundMap:
    """A map at z = 3 m around the origin, of colours (D, 3, size, size) in [0, 1]."""
    half = colours.shape[-1] * RESOLUTION_M / 2
    photos = (colours * 255).round().to(torch.uint8)
    return GroundMap(photos, (-half, -half, half, half), 3.0, known)


def cameras(count: int, seed: int = 0, height_m: float = 140.0, reach_m: float = 60.0) -> Pose:
    """Poses (N,) that look down, tilted by 2 and turned by 10 degrees or so."""
    generator = torch.Generator().manual_seed(seed)
    place = (2 * torch.rand(count, 3, generator=generator) - 1) * reach_m
    place[:, 2] = height_m * (1 + 0.1 * (torch.rand(count, generator=generator) - 0.5)) + 3
    turn = torch.randn(count, 3, generator=generator) * torch.tensor([2.0, 2.0, 10.0]).deg2rad()
    return Pose(place, compose_rotvec(DOWN, turn))
