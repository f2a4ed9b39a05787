"""Climate: mean temperature by latitude, day and altitude, and the snow and ice that follow from it."""

import math

import numpy as np

from hinted_posenet.simulator.light.phenology import YEAR_DAYS
from hinted_posenet.simulator.light.shade import gradient
from hinted_posenet.simulator.world.world import Raster

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
