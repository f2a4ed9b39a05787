"""Effects on the colours, lens and sensor of images, and the random numbers of a batch."""

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
from kornia.filters import gaussian_blur2d
from torch import Generator, Tensor

from hinted_posenet.core.errors import InputError


class Draws:
    """Numbers for each of n images, drawn where the generator is: the same whatever device the images are on."""

    def __init__(self, generator: Generator, image: Tensor) -> None:
        self.generator = generator
        self.image = image  # (n, 3, H, W)

    def fraction(self, *shape: int) -> Tensor:
        """Values (n, *shape) from 0 to below 1, left where the generator is."""
        size = (len(self.image), *shape)
        return torch.rand(size, generator=self.generator, device=self.generator.device)

    def uniform(self, span: Sequence[float], *shape: int) -> Tensor:
        """Values (n, *shape) from the low to the high end of the span."""
        low, high = span
        return (low + (high - low) * self.fraction(*shape)).to(self.image)

    def log_uniform(self, span: Sequence[float], *shape: int) -> Tensor:
        """As ``uniform``, but of the logarithm: halves as often as doubles."""
        low, high = span
        return (low * (high / low) ** self.fraction(*shape)).to(self.image)

    def normal(self, *shape: int) -> Tensor:
        """Values (n, *shape) of mean 0 and standard deviation 1."""
        size = (len(self.image), *shape)
        draw = torch.randn(size, generator=self.generator, device=self.generator.device)
        return draw.to(self.image)


class Effect(Protocol):
    """Changes what pixels look like, not where they are.

    Effects are frozen dataclasses: their fields, as printed, are part of the key of cached features.
    """

    @property
    def p(self) -> float:
        """Share of the images that it is applied to."""

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same, each changed on its own."""


@dataclass(frozen=True)
class Colours:
    """Changes brightness, contrast, saturation, gamma, white balance and hue; 0 leaves one alone.

    Args:
        brightness: Factors are drawn from 1 - brightness to 1 + brightness; so for the next two.
        contrast: About the mean grey of the image.
        saturation: 1 leaves the image as it is, 0 makes it grey.
        gamma: Exponents are drawn from 1 / (1 + gamma) to 1 + gamma: dark and bright parts change
            apart, as by another exposure of a camera's curve.
        white_balance: Red is multiplied, and blue divided, by factors from 1 / (1 + white_balance)
            to 1 + white_balance: warmer and colder light.
        hue: Shift as a part of the whole colour circle, drawn from -hue to hue; five times slower than any
            other.
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
        """Images (n, 3, H, W) in [0, 1] -> the same."""

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
    """Gaussian blur, as out of focus.

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
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        size = 2 * round(2 * self.sigma_px[1]) + 1
        sigma_px = draw.uniform(self.sigma_px, 1).expand(-1, 2)
        blurred: Tensor = gaussian_blur2d(image, (size, size), sigma_px)
        return blurred.clamp(0, 1)  # weights sum to 1 but for rounding


@dataclass(frozen=True)
class Noise:
    """Gaussian noise of each pixel and channel, as in low light.

    Args:
        sigma: Range of the standard deviation, as a part of full white.
        p: Share of the images that get noise.
    """

    sigma: Sequence[float] = (0.0, 0.04)
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        sigma = draw.uniform(self.sigma, 1, 1, 1)
        return (image + sigma * draw.normal(*image.shape[1:])).clamp(0, 1)
