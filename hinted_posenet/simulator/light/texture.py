"""Texture: noise of which a part stays and a part is new on every date."""

import math

import numpy as np

from hinted_posenet.simulator.world.lattice import Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream
from hinted_posenet.simulator.world.world import Raster


def texture(
    window: Window, scale_px: float, seed: int, name: str, date: str, kept: float, octaves: int
) -> Raster:
    """Noise (rows, cols) of deviation about 1, on two dates correlated by ``kept``."""
    scale_px = max(scale_px, 1.5)
    fixed = fractal_noise(window, scale_px, stream(seed, name), octaves)
    new = fractal_noise(window, scale_px, stream(seed, f"{name} {date}"), octaves)
    fixed *= np.float32(math.sqrt(kept))
    new *= np.float32(math.sqrt(1 - kept))
    fixed += new
    return fixed
