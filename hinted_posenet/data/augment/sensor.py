"""Faults of lens and sensor."""

from collections.abc import Sequence
from dataclasses import dataclass

from kornia.filters import gaussian_blur2d
from torch import Tensor

from hinted_posenet.data.augment.draws import Draws
from hinted_posenet.types import InputError


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
