"""Cast shadows, fog, and rain or snow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d, motion_blur
from torch import Tensor
from torch.nn.functional import interpolate

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.augment.effects import Draws

OCTAVES = 6


def clouds(draw: Draws, smoothness: float = 0.5) -> Tensor:
    """Fractal fields (n, 1, H, W) about 0, with coarse features of about 1 and each finer octave less.

    Grown from 2 x 2 values upward, so that only the last step works on all pixels: a quarter of the
    time that kornia.contrib.diamond_square takes, and no grid shows.

    Args:
        draw: Of the images that the fields are for.
        smoothness: What each octave is weaker than the one before by, as a factor.
    """
    field = draw.normal(1, 2, 2)
    for octave in range(1, OCTAVES):
        size = (2**octave + 1, 2**octave + 1)
        field = interpolate(field, size, mode="bicubic", align_corners=True)
        field = field + smoothness**octave * draw.normal(1, *size)
    return interpolate(field, draw.image.shape[-2:], mode="bicubic", align_corners=True)


# part of the light that a shadow takes of red, green and blue: the sky's light, which stays, is bluish
TAKEN = (1.0, 0.95, 0.85)


@dataclass(frozen=True)
class Shadow:
    """One shadow an image: straight-edged as of a house, to ragged as of a tree or a cloud.

    Args:
        darkness: Range of the part of the light that is taken away.
        raggedness: Range; at 0 the edge is a straight line, at 1 the shadow is all blotches.
        edge: Range of the half width of the soft edge, as a part of half the longer side.
        p: Share of the images that get a shadow.
    """

    darkness: Sequence[float] = (0.3, 0.7)
    raggedness: Sequence[float] = (0.0, 1.0)
    edge: Sequence[float] = (0.01, 0.1)
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        H, W = image.shape[-2:]
        x = (2 * torch.arange(W).to(image) + 1 - W) / max(H, W)
        y = ((2 * torch.arange(H).to(image) + 1 - H) / max(H, W))[:, None]
        angle_rad = draw.uniform((-torch.pi, torch.pi), 1, 1, 1)
        straight = angle_rad.cos() * x + angle_rad.sin() * y - draw.uniform((-0.6, 0.6), 1, 1, 1)
        ragged = draw.uniform(self.raggedness, 1, 1, 1)
        field = (1 - ragged) * straight + ragged * clouds(draw)
        shade = (field / draw.log_uniform(self.edge, 1, 1, 1)).sigmoid()  # (n, 1, H, W)
        darkness = draw.uniform(self.darkness, 1, 1, 1) * image.new_tensor(TAKEN)[:, None, None]
        return image * (1 - darkness * shade)


@dataclass(frozen=True)
class Fog:
    """A grey veil of uneven thickness. Depth is not known, so near things fade as far ones do.

    Args:
        density: Range of the mean part of the scene's light that the veil replaces.
        whiteness: Range of the veil's grey.
        unevenness: How much the thickness varies within the image, as a part of the density.
        p: Share of the images that get fog.
    """

    density: Sequence[float] = (0.2, 0.6)
    whiteness: Sequence[float] = (0.6, 0.9)
    unevenness: float = 0.3
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        density = draw.uniform(self.density, 1, 1, 1)
        veil = (density * (1 + self.unevenness * clouds(draw))).clamp(0, 1)  # (n, 1, H, W)
        return image + veil * (draw.uniform(self.whiteness, 1, 1, 1) - image)


@dataclass(frozen=True)
class Precipitation:
    """Streaks of falling rain (long and thin) or flakes of snow (short and thick).

    Args:
        cover: Range of the share of pixels that a drop or flake starts at.
        length_px: Of the streaks during the exposure; odd, 3 or more.
        width_px: Standard deviation across; 0 for lines of one pixel.
        opacity: Range: 1 hides what is behind.
        whiteness: Grey of the drops.
        slant_deg: Angles from the image's vertical are drawn from -slant_deg to slant_deg.
        p: Share of the images that get some.
    """

    cover: Sequence[float] = (0.002, 0.01)
    length_px: int = 15
    width_px: float = 0.0
    opacity: Sequence[float] = (0.3, 0.6)
    whiteness: float = 0.85
    slant_deg: float = 20.0
    p: float = 0.5

    def __post_init__(self) -> None:
        if self.length_px < 3 or self.length_px % 2 == 0:
            raise InputError(f"length_px={self.length_px} of rain or snow: expected 3, 5, 7, ...")

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        cover = draw.uniform(self.cover, 1, 1, 1)
        falling = draw.uniform((0, 1), 1, *image.shape[-2:])  # (n, 1, H, W)
        drops = (1 - falling / cover).clamp_min(0)
        if self.width_px > 0:
            size = 2 * round(2 * self.width_px) + 1
            sigma_px = image.new_full((len(image), 2), self.width_px)
            drops = gaussian_blur2d(drops, (size, size), sigma_px)
            drops = drops * (2 * math.pi * self.width_px**2)  # a peak keeps its height
        angle_deg = 90 + draw.uniform((-self.slant_deg, self.slant_deg))
        streaks = motion_blur(drops, self.length_px, angle_deg, 0 * angle_deg, mode="bilinear")
        veil = (streaks * self.length_px).clamp(0, 1) * draw.uniform(self.opacity, 1, 1, 1)
        return image + veil * (self.whiteness - image)
