"""Sky: shadows of the clouds, a field of noise that the seed and the season place."""

import math
from statistics import NormalDist

import numpy as np

from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world.lattice import Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream
from hinted_posenet.simulator.world.world import Raster

CLOUD_M = 900.0
WIND_M_H = 20_000.0  # clouds of the same day drift eastwards by this
CLEAR_SHARE = 0.08  # of the sun, what passes a cloud


def cloud_shadow(window: Window, resolution_m: float, season: Season, seed: int) -> Raster:
    """Share of the sun (rows, cols) that clouds take: about `cloud_cover` of the land lies dark."""
    shape = (window.rows, window.cols)
    if season.cloud_cover in (0.0, 1.0):
        return np.full(shape, season.cloud_cover, np.float32)
    drift_px = math.floor(season.solar_hour * WIND_M_H / resolution_m)
    moved = window._replace(col=window.col - drift_px)
    clouds = fractal_noise(
        moved, CLOUD_M / resolution_m, stream(seed, f"clouds {season.date}"), octaves=5
    )
    edge = np.float32(NormalDist().inv_cdf(season.cloud_cover))
    dark = np.clip(np.float32(0.5) + (edge - clouds) / np.float32(0.5), 0, 1)
    return np.asarray(np.float32(1 - CLEAR_SHARE) * dark, np.float32)
