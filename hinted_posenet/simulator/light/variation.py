"""What differs between dates besides the season: cloud shadows, the colour of water, the exposure of a survey."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world.noise import fractal_noise, stream, texture, uniform
from hinted_posenet.simulator.world.pixel_grid import Window
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


EXPOSURE, WARMTH, TINT = 0.07, 0.05, 0.03  # largest relative changes of sRGB
HAZE = (0.04, 0.26)  # share of the light that the air below the aeroplane adds, in sRGB
AIR_RGB = np.array([102, 114, 108])


def survey(seed: int, date: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What all photos of a date have in common: factor (3,) and then offset (3,) of sRGB."""
    exposure, warmth, tint, air = uniform(stream(seed, f"survey {date}"), np.arange(4))
    haze = HAZE[0] + (HAZE[1] - HAZE[0]) * air
    colour = WARMTH * (2 * warmth - 1) * np.array([1, 0, -1])
    colour += TINT * (2 * tint - 1) * np.array([-0.5, 1, -0.5])
    gain = (1 + EXPOSURE * (2 * exposure - 1)) * (1 + colour)
    return gain * (1 - haze), (gain * haze * AIR_RGB).astype(np.float32)
