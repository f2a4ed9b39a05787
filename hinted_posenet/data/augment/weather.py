"""Fog, and rain or snow in the air."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kornia.filters import gaussian_blur2d, motion_blur
from torch import Tensor

from hinted_posenet.data.augment.clouds import clouds
from hinted_posenet.data.augment.draws import Draws
from hinted_posenet.types import InputError


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
