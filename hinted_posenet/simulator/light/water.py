"""Water: its colour changes from lake to lake and from date to date with what it carries.

Two properties are smooth noise over the land: how cloudy the water is, and how green with algae.
"""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.lattice import Window
from hinted_posenet.simulator.world.noise import texture
from hinted_posenet.simulator.world.world import Raster

LAKE_M = 900.0  # size of what looks alike
KEPT = 0.25  # correlation of two dates
# without and with algae
CLEAR_RGB = np.array([[34, 36, 40], [30, 50, 40]], np.float32)
CLOUDY_RGB = np.array([[142, 132, 104], [128, 160, 112]], np.float32)


def water_rgb(
    window: Window, resolution_m: float, seed: int, date: str, here: NDArray[np.bool_]
) -> Raster:
    """Colours (n, 3), sRGB of full scale 255, of the pixels ``here`` (rows, cols) of a window."""
    cloudy, green = (
        texture(window, LAKE_M / resolution_m, seed, name, date, KEPT, 2)[here][:, None]
        for name in ("cloudy water", "green water")
    )
    # most lakes are dark
    cloudy = np.clip(np.float32(0.2) + np.float32(0.35) * cloudy, 0, 1)
    green = np.clip(np.float32(0.5) + np.float32(0.45) * green, 0, 1)
    clear_rgb, cloudy_rgb = (
        pair[0] + green * (pair[1] - pair[0]) for pair in (CLEAR_RGB, CLOUDY_RGB)
    )
    return np.asarray(clear_rgb + cloudy * (cloudy_rgb - clear_rgb), np.float32)
