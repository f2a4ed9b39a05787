"""Effects of colour, lens, sensor and weather on images, and the random numbers of a batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from kornia.enhance import adjust_gamma, adjust_hue
from kornia.enhance.adjust import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d, motion_blur
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from hinted_posenet.core.errors import InputError


class Draws:
    """Random numbers for n images, drawn on the generator's device, so that they do not depend on the images'."""

    def __init__(self, generator: Generator, image: Tensor) -> None:
        self.generator = generator
        self.image = image  # (n, 3, H, W)

    def sent(self, drawn: Tensor) -> Tensor:
        """Return numbers as the images are, on their device, without waiting for it."""
        return drawn.to(self.image, non_blocking=True)

    def fraction(self, *shape: int) -> Tensor:
        """Draw values (n, *shape) from [0, 1), on the generator's device."""
        size = (len(self.image), *shape)
        return torch.rand(size, generator=self.generator, device=self.generator.device)

    def uniform(self, span: Sequence[float], *shape: int) -> Tensor:
        """Draw values (n, *shape) uniformly from the span (low, high)."""
        low, high = span
        return self.sent(low + (high - low) * self.fraction(*shape))

    def log_uniform(self, span: Sequence[float], *shape: int) -> Tensor:
        """Draw values (n, *shape) whose logarithm is uniform over the span."""
        low, high = span
        return self.sent(low * (high / low) ** self.fraction(*shape))

    def normal(self, *shape: int) -> Tensor:
        """Draw values (n, *shape) of mean 0 and standard deviation 1."""
        size = (len(self.image), *shape)
        draw = torch.randn(size, generator=self.generator, device=self.generator.device)
        return self.sent(draw)


class Effect(Protocol):
    """Changes the appearance of pixels, not their positions.

    Effects are frozen dataclasses: their fields, as printed, are part of the key of cached features.
    """

    @property
    def p(self) -> float:
        """Share of the images that it is applied to."""

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1], independently of each other."""


@dataclass(frozen=True)
class Colours:
    """Changes brightness, contrast, saturation, gamma, white balance and hue; 0 disables one.

    Args:
        brightness: Factors are drawn from 1 - brightness to 1 + brightness, as for the next two.
        contrast: About the mean grey of the image.
        saturation: 1 leaves the image as it is, 0 makes it grey.
        gamma: Exponents are drawn from 1 / (1 + gamma) to 1 + gamma: dark and bright parts change
            differently, as with another exposure.
        white_balance: Red is multiplied, and blue divided, by factors from 1 / (1 + white_balance)
            to 1 + white_balance: warmer and colder light.
        hue: Shift as a fraction of the colour circle, drawn from -hue to hue; takes five times longer than
            any other.
        p: Share of the images that are changed.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    gamma: float = 0.0
    white_balance: float = 0.0
    hue: float = 0.0
    p: float = 1.0

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1]."""

        def around_1(spread: float) -> Tensor:  # (n,)
            return draw.uniform((max(0.0, 1 - spread), 1 + spread))

        def ratio(spread: float) -> Tensor:  # (n,)
            return draw.log_uniform((1 / (1 + spread), 1 + spread))

        if self.brightness > 0:
            image = adjust_brightness_accumulative(image, around_1(self.brightness))
        if self.contrast > 0:
            image = adjust_contrast_with_mean_subtraction(image, around_1(self.contrast))
        if self.saturation > 0:
            image = adjust_saturation_with_gray_subtraction(image, around_1(self.saturation))
        if self.gamma > 0:
            image = adjust_gamma(image, ratio(self.gamma))
        if self.white_balance > 0:
            red = ratio(self.white_balance)
            gains = torch.stack([red, torch.ones_like(red), 1 / red], dim=1)
            image = (gains[:, :, None, None] * image).clamp(0, 1)
        if self.hue > 0:
            image = adjust_hue(image, 2 * torch.pi * draw.uniform((-self.hue, self.hue)))
        return image


@dataclass(frozen=True)
class Blur:
    """Gaussian blur, as when out of focus.

    Args:
        sigma_px: Range of the standard deviation.
        p: Share of the images that are blurred.
    """

    sigma_px: Sequence[float] = (0.3, 1.5)
    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.sigma_px[0] <= self.sigma_px[1]:
            raise InputError(
                f"sigma_px={self.sigma_px} of blur: expected [low, high], 0 < low <= high"
            )

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1]."""
        size = 2 * round(2 * self.sigma_px[1]) + 1
        sigma_px = draw.uniform(self.sigma_px, 1).expand(-1, 2)
        blurred: Tensor = gaussian_blur2d(image, (size, size), sigma_px)
        return blurred.clamp(0, 1)  # weights sum to 1 up to rounding


@dataclass(frozen=True)
class Noise:
    """Gaussian noise of each pixel and channel, as in low light.

    Args:
        sigma: Range of the standard deviation, as a fraction of full white.
        p: Share of the images that get noise.
    """

    sigma: Sequence[float] = (0.0, 0.04)
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1]."""
        sigma = draw.uniform(self.sigma, 1, 1, 1)
        return (image + sigma * draw.normal(*image.shape[1:])).clamp(0, 1)


OCTAVES = 6


def clouds(draw: Draws, smoothness: float = 0.5) -> Tensor:
    """Draw fractal fields (n, 1, H, W) about 0, with coarse features of about 1 and weaker fine ones.

    They grow from 2 x 2 values upward, so that only the last step processes all pixels: this takes a
    quarter of the time of kornia.contrib.diamond_square, and no grid is visible. ``smoothness`` is the
    amplitude of each octave relative to the one before.
    """
    field = draw.normal(1, 2, 2)
    for octave in range(1, OCTAVES):
        size = (2**octave + 1, 2**octave + 1)
        field = interpolate(field, size, mode="bicubic", align_corners=True)
        field = field + smoothness**octave * draw.normal(1, *size)
    return interpolate(field, draw.image.shape[-2:], mode="bicubic", align_corners=True)


# share of red, green and blue light that a shadow removes; the remaining light of the sky is bluish
TAKEN = (1.0, 0.95, 0.85)


@dataclass(frozen=True)
class Shadow:
    """One shadow per image, from straight-edged (a house) to ragged (a tree or a cloud).

    Args:
        darkness: Range of the share of light that is removed.
        raggedness: Range; at 0 the edge is a straight line, at 1 the shadow is blotchy.
        edge: Range of the half width of the soft edge, as a fraction of half the longer side.
        p: Share of the images that get a shadow.
    """

    darkness: Sequence[float] = (0.3, 0.7)
    raggedness: Sequence[float] = (0.0, 1.0)
    edge: Sequence[float] = (0.01, 0.1)
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1]."""
        H, W = image.shape[-2:]
        x = (2 * torch.arange(W, dtype=image.dtype, device=image.device) + 1 - W) / max(H, W)
        y = ((2 * torch.arange(H, dtype=image.dtype, device=image.device) + 1 - H) / max(H, W))[
            :, None
        ]
        angle_rad = draw.uniform((-torch.pi, torch.pi), 1, 1, 1)
        straight = angle_rad.cos() * x + angle_rad.sin() * y - draw.uniform((-0.6, 0.6), 1, 1, 1)
        ragged = draw.uniform(self.raggedness, 1, 1, 1)
        field = (1 - ragged) * straight + ragged * clouds(draw)
        shade = (field / draw.log_uniform(self.edge, 1, 1, 1)).sigmoid()  # (n, 1, H, W)
        darkness = (
            draw.uniform(self.darkness, 1, 1, 1) * draw.sent(torch.tensor(TAKEN))[:, None, None]
        )
        return image * (1 - darkness * shade)


@dataclass(frozen=True)
class Fog:
    """A grey veil of uneven thickness; as depth is not known, near objects fade like far ones.

    Args:
        density: Range of the mean share of the scene's light that the veil replaces.
        whiteness: Range of the veil's grey.
        unevenness: Variation of the thickness within the image, as a fraction of the density.
        p: Share of the images that get fog.
    """

    density: Sequence[float] = (0.2, 0.6)
    whiteness: Sequence[float] = (0.6, 0.9)
    unevenness: float = 0.3
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Change images (n, 3, H, W) in [0, 1]."""
        density = draw.uniform(self.density, 1, 1, 1)
        veil = (density * (1 + self.unevenness * clouds(draw))).clamp(0, 1)  # (n, 1, H, W)
        return image + veil * (draw.uniform(self.whiteness, 1, 1, 1) - image)


@dataclass(frozen=True)
class Precipitation:
    """Streaks of falling rain (long and thin) or flakes of snow (short and thick).

    Args:
        cover: Range of the share of pixels at which a drop or flake starts.
        length_px: Length of the streaks during the exposure; odd, 3 or more.
        width_px: Standard deviation across; 0 for lines of one pixel.
        opacity: Range; 1 hides the background.
        whiteness: Grey of the drops.
        slant_deg: Angles from the image's vertical are drawn from -slant_deg to slant_deg.
        p: Share of the images that get rain or snow.
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
        """Change images (n, 3, H, W) in [0, 1]."""
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
