"""Water: its colour changes from lake to lake and from date to date with what it carries.

Two properties are smooth noise over the land: how cloudy the water is, and how green with algae.
"""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.light.texture import texture
from hinted_posenet.simulator.world.lattice import Window
from hinted_posenet.simulator.world.world import Raster

LAKE_M = 900.0  # size of what looks alike
KEPT = 0.25  # correlation of two dates
CLEAR_RGB = np.array([[34, 36, 40], [30, 50, 40]], np.float32)  # without and with algae
CLOUDY_RGB = np.array([[142, 132, 104], [128, 160, 112]], np.float32)


def tinted(
    window: Window, resolution_m: float, seed: int, date: str, here: NDArray[np.bool_]
) -> Raster:
    """Colours (n, 3) of the pixels ``here`` (rows, cols) of a window."""
    scale_px = LAKE_M / resolution_m
    cloudy, green = (
        texture(window, scale_px, seed, name, date, KEPT, 2)[here][:, None]
        for name in ("cloudy water", "green water")
    )
    green = np.clip(np.float32(0.5) + np.float32(0.45) * green, 0, 1)
    # most lakes are dark
    cloudy = np.float32(0.2) + np.float32(0.35) * cloudy
    clear_rgb = CLEAR_RGB[0] + green * (CLEAR_RGB[1] - CLEAR_RGB[0])
    cloudy_rgb = CLOUDY_RGB[0] + green * (CLOUDY_RGB[1] - CLOUDY_RGB[0])
    tint = clear_rgb + np.clip(cloudy, 0, 1) * (cloudy_rgb - clear_rgb)
    return np.asarray(tint, np.float32)
