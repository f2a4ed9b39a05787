"""Photometry of an image: haze, motion blur, exposure, white balance and noise.

Only colours change: depth and geometry are those of the frame.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import Raster, Rgb

CONTRAST_SEEN = 3.912  # -ln 0.02: at the visibility 2 % of the contrast is left (Koschmieder)
AIRLIGHT_RGB = np.array([176, 186, 198], np.float32)  # sRGB of air that is seen through downwards


@dataclass(frozen=True)
class Sensor:
    """Turns the light of a frame into an image.

    Args:
        exposure_sigma_ev: standard deviation of the exposure between images, in stops.
        white_balance_sigma: relative standard deviation of the gain of each colour between images.
        noise_sigma: standard deviation of the read noise, where full scale is 1.
        shot_noise_sigma: standard deviation of the photon noise at full scale; it falls with the root.
        exposure_s: time for which the shutter is open, for motion blur.
    """

    exposure_sigma_ev: float = 0.0
    white_balance_sigma: float = 0.0
    noise_sigma: float = 0.0
    shot_noise_sigma: float = 0.0
    exposure_s: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                raise InputError(f"sensor.{name}: expected 0 or more, got {value}")

    def develop(
        self,
        rgb: Rgb,
        depth_m: Raster,
        visibility_m: float,
        velocity_px_s: tuple[float, float],
        generator: np.random.Generator,
    ) -> Rgb:
        """Return the image (H, W, 3) of a rendered frame; no pixel moves.

        Args:
            rgb: colours (H, W, 3).
            depth_m: depth (H, W).
            visibility_m: meteorological visibility; inf for clear air.
            velocity_px_s: image motion (right, down) of the scene.
            generator: draws exposure, white balance and noise; the number of draws does not depend on
                the settings, so that each of them can be changed alone.
        """
        exposure = 2.0 ** (self.exposure_sigma_ev * generator.standard_normal())
        gain = exposure * (1.0 + self.white_balance_sigma * generator.standard_normal(3))
        noise = generator.standard_normal(rgb.shape, dtype=np.float32)
        image = rgb.astype(np.float32)
        if math.isfinite(visibility_m):
            clear = np.exp(np.float32(-CONTRAST_SEEN / visibility_m) * depth_m)[..., None]
            image = AIRLIGHT_RGB + clear * (image - AIRLIGHT_RGB)
        kernel = line_kernel(*(self.exposure_s * v for v in velocity_px_s))
        if kernel.size > 1:
            image = np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE))
        image = image * gain.astype(np.float32)
        if self.noise_sigma or self.shot_noise_sigma:
            shot = self.shot_noise_sigma**2 * np.clip(image, 0, None) / 255.0
            image = image + 255.0 * np.sqrt(shot + self.noise_sigma**2) * noise
        return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def line_kernel(right_px: float, down_px: float) -> NDArray[np.float32]:
    """Return weights (odd, odd) of a straight motion by (right_px, down_px), centered so as not to shift."""
    length_px = math.hypot(right_px, down_px)
    radius = math.ceil(0.5 * max(abs(right_px), abs(down_px)) - 1e-9)
    if length_px < 0.5:
        return np.ones((1, 1), np.float32)
    kernel = np.zeros((2 * radius + 3, 2 * radius + 3))
    # samples along the line, each shared bilinearly by the four pixels around it
    for share in np.linspace(-0.5, 0.5, 4 * radius + 1):
        x, y = radius + 1 + share * right_px, radius + 1 + share * down_px
        col, row = math.floor(x), math.floor(y)
        for r, c in ((row, col), (row, col + 1), (row + 1, col), (row + 1, col + 1)):
            if r < len(kernel) and c < len(kernel):
                kernel[r, c] += max(1 - abs(x - c), 0.0) * max(1 - abs(y - r), 0.0)
    kernel = kernel + kernel[::-1, ::-1]
    return np.asarray(kernel / kernel.sum(), np.float32)
