"""A season: its moment and weather, and what follows: snow, ice, clouds, colour of water and of photos."""

import datetime
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.phenology import YEAR_DAYS
from hinted_posenet.simulator.light.sun import gradient
from hinted_posenet.simulator.world import Raster, Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream, texture, uniform

LIMITS = {
    "cloud_cover": (0, 1), "wetness": (0, 1), "new_fields": (0, 1), "water_level_m": (-3, 3),
    "soil": (0, 1), "vigour": (0, 1), "colour_spread": (0, 5), "gamma": (0.3, 3),
    "registration_m": (0, 50), "blur_m": (0, 20),
}  # fmt: skip


@dataclass(frozen=True)
class Season:
    """When and in what weather a world is seen.

    Args:
        date: ISO date.
        solar_hour: local solar time in hours; the sun is highest at 12.
        cloud_cover: share of the sky that clouds hide; between 0 and 1 their shadows lie on the land,
            at 1 there is no direct sun.
        wetness: from 0, dry, to 1, after rain: darker soil, glossy roads.
        snow_cm: depth of snow on level ground; null derives it from climate and altitude.
        visibility_km: meteorological visibility, for the haze between ground and camera.
        new_fields: share of the blocks of parcels that are divided anew in the year of the date.
        water_level_m: of lakes and rivers above the usual; moves their shores in the photo, while the
            surface keeps the usual level.
        soil: relative contrast of dry, wet and salty patches within fields, drawn by field and date.
        vigour: largest relative change of a tree's colour from date to date.
        colour_spread: factor of the drawn exposure, warmth and tint that all photos of a date share.
        gamma: exponent of the photo's tones; above 1 for stronger contrast, below 1 for weaker.
        registration_m: deviation of the photo's place on the ground, each of east and north, which changes
            over 1.5 km; 3 deviations at most.
        blur_m: deviation of the photo's blur on the ground.

    Raises:
        InputError: a value is out of range.
    """

    date: str
    solar_hour: float = 11.0
    cloud_cover: float = 0.0
    wetness: float = 0.0
    snow_cm: float | None = None
    visibility_km: float = 30.0
    new_fields: float = 0.0
    water_level_m: float = 0.0
    soil: float = 0.0
    vigour: float = 0.16
    colour_spread: float = 1.0
    gamma: float = 1.0
    registration_m: float = 0.0
    blur_m: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"season {name}: expected {low:g} to {high:g}, got {value}")
        if self.snow_cm is not None and not self.snow_cm >= 0:
            raise InputError(f"season snow_cm: expected 0 or more, or null, got {self.snow_cm}")
        if not self.visibility_km > 0:
            raise InputError(f"season visibility_km: expected above 0, got {self.visibility_km}")
        if not 0 <= self.solar_hour <= 24:
            raise InputError(f"season solar_hour: expected 0 to 24, got {self.solar_hour}")
        try:
            datetime.date.fromisoformat(self.date)
        except (TypeError, ValueError):
            raise InputError(f"season date: expected YYYY-MM-DD, got {self.date!r}") from None

    @property
    def year(self) -> int:
        """Year of the date."""
        return datetime.date.fromisoformat(self.date).year

    @property
    def day_of_year(self) -> int:
        """Day of the year, from 1."""
        return datetime.date.fromisoformat(self.date).timetuple().tm_yday


LAPSE_K_M = 0.0065  # International Standard Atmosphere
COLDEST_DAY = 22.0
SNOW_CM_K = 6.0  # depth of snow per kelvin of the monthly mean below SNOW_MELTS_C
SNOW_MELTS_C = 1.5


def temperature_c(day_of_year: float, latitude_deg: float) -> float:
    """Return the monthly mean temperature at sea level.

    Fitted by hand to lowland stations with an oceanic to continental mean: 48 N has -1 in January and
    19 in July, 60 N -11 and 16, 30 N 15 and 24.
    """
    pole = math.sin(math.radians(latitude_deg)) ** 2
    if latitude_deg < 0:
        day_of_year += 0.5 * YEAR_DAYS
    cold = math.cos(2 * math.pi * (day_of_year - COLDEST_DAY) / YEAR_DAYS)
    return 27.5 - 33.5 * pole - 18.0 * pole * cold


def snow_cm(terrain_m: Raster, sea_level_c: float) -> Raster:
    """Return the depth (rows, cols) of snow at a monthly mean temperature, by altitude."""
    above_melt_c = np.float32(sea_level_c - SNOW_MELTS_C) - np.float32(LAPSE_K_M) * terrain_m
    return np.asarray(np.clip(-SNOW_CM_K * above_melt_c, 0, 80), np.float32)


def snow_held(terrain_m: Raster, resolution_m: float) -> Raster:
    """Return the share (rows, cols) of snow that holds: all below slopes of 25 degrees, none above 55."""
    south, east = gradient(terrain_m, resolution_m)
    slope = np.sqrt(south * south + east * east)
    low, high = math.tan(math.radians(25)), math.tan(math.radians(55))
    return np.asarray(np.clip((high - slope) / (high - low), 0, 1), np.float32)


def frozen(sea_level_c: float, altitude_m: Raster) -> Raster:
    """Return the share (rows, cols) of still water under ice at a monthly mean temperature."""
    celsius = np.float32(sea_level_c) - np.float32(LAPSE_K_M) * altitude_m
    return np.asarray(np.clip(-0.5 * celsius, 0, 1), np.float32)


CLOUD_M = 900.0
WIND_M_H = 20_000.0  # speed at which the clouds of a day drift eastwards
CLEAR_SHARE = 0.08  # share of the sun that passes a cloud
LAKE_M = 900.0  # size of areas of one colour
KEPT = 0.25  # correlation between two dates
CLEAR_RGB = np.array([[34, 36, 40], [30, 50, 40]], np.float32)  # without and with algae
CLOUDY_RGB = np.array([[142, 132, 104], [128, 160, 112]], np.float32)
EXPOSURE, WARMTH, TINT = 0.07, 0.05, 0.03  # largest relative changes of sRGB
HAZE = (0.04, 0.26)  # share of the light that the air below the aeroplane adds, in sRGB
AIR_RGB = np.array([102, 114, 108])


def cloud_shadow(window: Window, resolution_m: float, season: Season, seed: int) -> Raster:
    """Return the share of the sun (rows, cols) that clouds hide: about `cloud_cover` of the land is dark."""
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


def water_rgb(
    window: Window, resolution_m: float, seed: int, date: str, here: NDArray[np.bool_]
) -> Raster:
    """Return colours (n, 3), sRGB of full scale 255, of the pixels ``here`` (rows, cols) of a window."""
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


def cast(
    seed: int, date: str, spread: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return factor (3,) and offset (3,) of sRGB that all photos of a date have in common."""
    exposure, warmth, tint, air = uniform(stream(seed, f"survey {date}"), np.arange(4))
    haze = HAZE[0] + (HAZE[1] - HAZE[0]) * air
    colour = spread * WARMTH * (2 * warmth - 1) * np.array([1, 0, -1])
    colour += spread * TINT * (2 * tint - 1) * np.array([-0.5, 1, -0.5])
    gain = (1 + spread * EXPOSURE * (2 * exposure - 1)) * (1 + colour)
    return gain * (1 - haze), (gain * haze * AIR_RGB).astype(np.float32)
