"""Colours of the light and of the camera's processing."""

from dataclasses import dataclass

import torch
from kornia.enhance import adjust_gamma, adjust_hue
from kornia.enhance.adjust import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
)
from torch import Tensor

from hinted_posenet.data.augment.draws import Draws


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
