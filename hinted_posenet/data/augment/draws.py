"""Random numbers of a batch, and what an effect on images is."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor


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
