"""What happens to images and maps between two flights: painted on, so that answers to them can be counted."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from hinted_posenet.models.registration.ground import Ground, GroundPatch

BLUR_PX = 3.0  # sigma
# shares of an image
CLOUDED, FLOODED, HARVESTED = 0.45, 0.4, 0.5
WATER, SOIL, WHITE = (0.23, 0.26, 0.24), (0.52, 0.43, 0.33), (0.93, 0.95, 0.97)
FIELD_PX = 28  # a side
PAINTED = ("clouds", "snow", "flooded fields", "harvested fields", "blur")
SOFT = 0.06  # edge of a cloud, in units of the noise that draws it


def damaged(image: Tensor, kind: str, seed: int) -> Tensor:
    """Return an image (1, 3, H, W) in [0, 1] with clouds, snow, floods or harvested fields, or blurred."""
    generator = torch.Generator().manual_seed(seed)
    paint = {
        "clouds": clouds,
        "snow": snow,
        "flooded fields": flooded,
        "harvested fields": harvested,
        "blur": blurred,
    }
    return paint[kind](image, generator).clamp(0, 1)


def clouds(image: Tensor, generator: torch.Generator) -> Tensor:
    """Cover a part with white clouds, whose shadows darken as much beside them."""
    noise = billows(image, generator)
    cover = ((noise - noise.quantile(1 - CLOUDED)) / SOFT).clamp(0, 1)
    shadow = cover.roll((12, 9), dims=(2, 3))
    return painted(image * (1 - 0.5 * shadow), WHITE, cover)


def snow(image: Tensor, generator: torch.Generator) -> Tensor:
    """Whiten all but the darkest ground, such as water and trees."""
    dark = (image.mean(dim=1, keepdim=True) / 0.3).clamp(0, 1).square()
    noise = 0.06 * (billows(image, generator) - 0.5)
    return painted(image, WHITE, 0.88 * dark) + noise


def flooded(image: Tensor, generator: torch.Generator) -> Tensor:
    """Put the lowest part of an imagined relief under water."""
    noise = billows(image, generator)
    return painted(image, WATER, (noise < noise.quantile(FLOODED)).float())


def harvested(image: Tensor, generator: torch.Generator) -> Tensor:
    """Turn whole fields to bare soil with rows."""
    height, width = image.shape[-2:]
    rows, cols = -(-height // FIELD_PX), -(-width // FIELD_PX)
    bare = (torch.rand(1, 1, rows, cols, generator=generator) < HARVESTED).float()
    bare = interpolate(bare, scale_factor=FIELD_PX, mode="nearest")[..., :height, :width]
    tilled = 0.03 * torch.sin(torch.arange(width) * 2.1) + 0.04 * (billows(image, generator) - 0.5)
    return painted(image, SOIL, bare) + bare * tilled


def blurred(image: Tensor, generator: torch.Generator) -> Tensor:
    """Blur as by motion or a wrong focus."""
    reach = round(3 * BLUR_PX)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / BLUR_PX).square())
    kernel = (bell / bell.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    wide = pad(image, [reach] * 4, mode="replicate")
    return conv2d(conv2d(wide, kernel, groups=3), kernel.transpose(2, 3), groups=3)


def painted(image: Tensor, colour: tuple[float, float, float], share: Tensor) -> Tensor:
    """Mix a colour into an image, by its share (1, 1, H, W) of each pixel."""
    return image * (1 - share) + torch.tensor(colour).view(1, 3, 1, 1) * share


def billows(image: Tensor, generator: torch.Generator) -> Tensor:
    """Draw smooth noise (1, 1, H, W) from 0 to 1 with structure of all sizes above 10 pixels."""
    height, width = image.shape[-2:]
    total = torch.zeros(1, 1, height, width)
    for cells, strength in ((3, 1.0), (6, 0.5), (15, 0.25)):
        noise = torch.rand(1, 1, cells, cells, generator=generator)
        total += strength * interpolate(noise, (height, width), mode="bicubic")
    low, high = total.amin(), total.amax()
    return (total - low) / (high - low)


class Hole:
    """Ground whose photos do not show what lies around a place.

    Args:
        ground: All of it.
        center_m: of the hole, east and north.
        radius_m: of the hole.
    """

    def __init__(self, ground: Ground, center_m: tuple[float, float], radius_m: float):
        self.ground, self.center_m, self.radius_m = ground, center_m, radius_m
        self.resolution_m, self.dates = ground.resolution_m, ground.dates

    def patch(self, center_m: tuple[float, float], cells: int, cell_m: float) -> GroundPatch:
        """See `Ground`."""
        patch = self.ground.patch(center_m, cells, cell_m)
        off_m = patch.points_m()[..., :2] - torch.tensor(self.center_m)
        beyond = off_m.norm(dim=-1) > self.radius_m
        return patch._replace(known=patch.known & beyond.unsqueeze(1))


class Elsewhere:
    """Ground that is shown at another place than its own.

    Args:
        ground: All of it.
        shift_m: from a place to the one that is shown there, east and north.
    """

    def __init__(self, ground: Ground, shift_m: tuple[float, float]):
        self.ground, self.shift_m = ground, shift_m
        self.resolution_m, self.dates = ground.resolution_m, ground.dates

    def patch(self, center_m: tuple[float, float], cells: int, cell_m: float) -> GroundPatch:
        """See `Ground`."""
        there = center_m[0] + self.shift_m[0], center_m[1] + self.shift_m[1]
        patch = self.ground.patch(there, cells, cell_m)
        return patch._replace(center_m=torch.tensor([center_m], dtype=torch.float64))
