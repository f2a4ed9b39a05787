"""Season: the moment and the weather, and the temperature, snow and ice that follow from them."""

import datetime
import math

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.phenology import YEAR_DAYS
from hinted_posenet.simulator.light.sun import gradient
from hinted_posenet.simulator.world.world import Raster


class Season:
    """When and in what weather a world is seen.

    Args:
        date: ISO date.
        solar_hour: local solar time in hours; 12 is when the sun is highest.
        cloud_cover: share of the sky that clouds hide; between 0 and 1 their shadows lie on the land,
            at 1 there is no direct sun.
        wetness: 0 dry to 1 after rain: darker soil, glossy roads.
        snow_cm: depth of snow on level ground; null takes it from the climate, by altitude.
        visibility_km: meteorological visibility, for the haze between ground and camera.

    Raises:
        InputError: a value is out of range.
    """

    def __init__(
        self,
        date: str,
        solar_hour: float = 11.0,
        cloud_cover: float = 0.0,
        wetness: float = 0.0,
        snow_cm: float | None = None,
        visibility_km: float = 30.0,
    ) -> None:
        for name, share in {"cloud_cover": cloud_cover, "wetness": wetness}.items():
            if not 0 <= share <= 1:
                raise InputError(f"season {name}: expected 0 to 1, got {share}")
        if snow_cm is not None and not snow_cm >= 0:
            raise InputError(f"season snow_cm: expected 0 or more, or null, got {snow_cm}")
        if not visibility_km > 0:
            raise InputError(f"season visibility_km: expected more than 0, got {visibility_km}")
        if not 0 <= solar_hour <= 24:
            raise InputError(f"season solar_hour: expected 0 to 24, got {solar_hour}")
        try:
            day = datetime.date.fromisoformat(str(date))
        except ValueError as error:
            raise InputError(f"season date: expected YYYY-MM-DD, got {date!r}") from error
        self.year, self.day_of_year = day.year, day.timetuple().tm_yday
        self.date, self.solar_hour = str(date), float(solar_hour)
        self.cloud_cover, self.wetness, self.snow_cm = cloud_cover, wetness, snow_cm
        self.visibility_m = 1000.0 * visibility_km


LAPSE_K_M = 0.0065  # International Standard Atmosphere
COLDEST_DAY = 22.0
SNOW_CM_K = 6.0  # depth that lies for every kelvin of the monthly mean below SNOW_MELTS_C
SNOW_MELTS_C = 1.5


def temperature_c(day_of_year: float, latitude_deg: float) -> float:
    """Monthly mean at sea level.

    A fit by hand to lowland stations with an oceanic to continental mean: 48 N has -1 in January and 19 in July,
    60 N -11 and 16, 30 N 15 and 24.
    """
    pole = math.sin(math.radians(latitude_deg)) ** 2
    if latitude_deg < 0:
        day_of_year += 0.5 * YEAR_DAYS
    cold = math.cos(2 * math.pi * (day_of_year - COLDEST_DAY) / YEAR_DAYS)
    return 27.5 - 33.5 * pole - 18.0 * pole * cold


def snow_cm(terrain_m: Raster, sea_level_c: float) -> Raster:
    """Depth (rows, cols) of the snow that lies at a monthly mean temperature, by altitude."""
    above_melt_c = np.float32(sea_level_c - SNOW_MELTS_C) - np.float32(LAPSE_K_M) * terrain_m
    return np.asarray(np.clip(-SNOW_CM_K * above_melt_c, 0, 80), np.float32)


def steepness(terrain_m: Raster, resolution_m: float) -> Raster:
    """Share (rows, cols) of the snow that holds on the terrain: all below 25 degrees, none above 55."""
    south, east = gradient(terrain_m, resolution_m)
    slope = np.sqrt(south * south + east * east)
    low, high = math.tan(math.radians(25)), math.tan(math.radians(55))
    return np.asarray(np.clip((high - slope) / (high - low), 0, 1), np.float32)


def frozen(sea_level_c: float, altitude_m: Raster) -> Raster:
    """Share (rows, cols) of still water under ice at a monthly mean temperature."""
    celsius = np.float32(sea_level_c) - np.float32(LAPSE_K_M) * altitude_m
    return np.asarray(np.clip(-0.5 * celsius, 0, 1), np.float32)
