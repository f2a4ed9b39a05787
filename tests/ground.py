"""Ground with a texture that registration is tried on, level or with relief, and cameras over it."""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.models.registration.projection import pixel_centers, sight
from hinted_posenet.models.registration.search import Views
from hinted_posenet.simulator.world.pixel_grid import Bounds

RESOLUTION_M = 2.0
SIZE = 200  # cells a side
LEVEL_M = 3.0
PIXELS = 64  # a side of an image
K = torch.tensor([[70.0, 0.0, 32.0], [0.0, 70.0, 32.0], [0.0, 0.0, 1.0]])
DOWN = torch.tensor([0.0, -1.0, 0.0, 0.0])  # looks down, the image's top is north


def texture(dates: int = 1, size: int = SIZE, seed: int = 0) -> Tensor:
    """Smooth random colours (D, 3, size, size) in [0, 1], with structure from 2 to 30 cells."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(dates, 3, size, size)
    for cell in (3, 8, 25):
        noise = torch.rand(dates, 3, size // cell + 2, size // cell + 2, generator=generator)
        wide = interpolate(noise, scale_factor=cell, mode="bilinear")[..., :size, :size]
        total = total + wide / 3
    smooth: Tensor = avg_pool2d(pad(total, [1] * 4, mode="replicate"), 3, stride=1)
    return ((smooth - 0.5) * 2.5 + 0.5).clamp(0, 1)


def level() -> Tensor:
    """Heights (SIZE, SIZE) of level ground."""
    return torch.full((SIZE, SIZE), LEVEL_M)


def hills(slope: float = 0.2, swing_m: float = 6.0) -> Tensor:
    """Heights (SIZE, SIZE) of ground that rises to the east, with hills 160 m across."""
    x = (torch.arange(SIZE) + 0.5 - SIZE / 2) * RESOLUTION_M
    wave = (2 * math.pi * x / 160).sin()
    return LEVEL_M + slope * x.unsqueeze(0) + swing_m * wave.unsqueeze(0) * wave.unsqueeze(1)


def ground(
    colours: Tensor | None = None,
    height_m: Tensor | None = None,
    center_m: tuple[float, float] = (0.0, 0.0),
) -> ArrayGround:
    """Ground of colours (D, 3, SIZE, SIZE) in [0, 1]; by default level, and one date of `texture`."""
    colours = texture() if colours is None else colours
    photos = (colours * 255).round().to(torch.uint8)
    half_m = SIZE * RESOLUTION_M / 2
    east, north = center_m
    bounds = Bounds(east - half_m, north - half_m, east + half_m, north + half_m)
    known = torch.ones(len(photos), SIZE, SIZE, dtype=torch.bool)
    heights = level() if height_m is None else height_m
    return ArrayGround(photos, known, heights, bounds, [f"date {i}" for i in range(len(photos))])


def whole(over: ArrayGround, count: int = 1) -> GroundPatch:
    """All of a ground around the origin, ``count`` times, in cells of its photos, float32."""
    patch = over.patch((0.0, 0.0), SIZE, RESOLUTION_M).local()
    return GroundPatch(*(part.expand(count, *part.shape[1:]) for part in patch))


def cameras(
    count: int,
    seed: int = 0,
    height_m: float = 140.0,
    reach_m: float = 60.0,
    oblique_deg: float = 0.0,
) -> Pose:
    """Poses (N,) that look down, or north by so much, tilted by 2 and turned by 10 degrees or so."""
    generator = torch.Generator().manual_seed(seed)
    place = (2 * torch.rand(count, 3, generator=generator) - 1) * reach_m
    place[:, 2] = height_m * (1 + 0.1 * (torch.rand(count, generator=generator) - 0.5)) + LEVEL_M
    place[:, 1] -= height_m * math.tan(math.radians(oblique_deg))  # what is seen stays in place
    turn = torch.randn(count, 3, generator=generator) * torch.tensor([2.0, 2.0, 10.0]).deg2rad()
    lifted = compose_rotvec(DOWN, torch.tensor([math.radians(oblique_deg), 0.0, 0.0]))
    return Pose(place, compose_rotvec(lifted, turn))


def rendered(over: ArrayGround, pose: Pose, camera: Tensor = K, photo: int = 0) -> Views:
    """Images (N, 3, PIXELS, PIXELS) of one date of a ground around the origin."""
    count, fine = len(pose.t), 2 * PIXELS
    patch = whole(over, count)
    camera = camera.expand(count, 3, 3)
    pixels = (pixel_centers(fine, fine) / 2).flatten(0, 1).expand(count, -1, -1)
    seen = patch.meet(pose.t, sight(pose, camera, pixels))[..., :2]
    grid = seen / (SIZE * RESOLUTION_M / 2) * torch.tensor([1.0, -1.0])
    colours = patch.photo[:, photo].float() / 255
    image = grid_sample(colours, grid.view(count, fine, fine, 2), align_corners=False)
    return Views(avg_pool2d(image, 2), camera)


def prior(pose: Pose, sigma_m: float, sigma_deg: float) -> Hint:
    """Hints (N,) with the same sigma about all axes."""
    return uneven(pose, [sigma_m] * 3, [sigma_deg] * 3)


def uneven(pose: Pose, sigma_m: list[float], sigma_deg: list[float]) -> Hint:
    """Hints (N,) with a sigma about each axis of the world."""
    sigma = torch.tensor(sigma_m + [math.radians(angle) for angle in sigma_deg])
    return Hint(pose, sigma.square().diag().expand(len(pose.t), 6, 6))
