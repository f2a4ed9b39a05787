"""Sun position, and the light it casts on a surface."""

import datetime
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.world import Raster
from hinted_posenet.types import InputError

SKY_LIGHT = np.array([0.36, 0.40, 0.47], np.float32)  # blue: what lights a shadow
SUN_LIGHT = np.array([0.64, 0.60, 0.53], np.float32)  # with the sky, flat open ground gets 1


def sun_direction(date: str, solar_hour: float, latitude_deg: float) -> NDArray[np.float64]:
    """Unit vector (3,) in ENU towards the sun, good to about a degree.

    Args:
        date: ISO date; only its day of the year counts.
        solar_hour: local solar time; 12 is when the sun is highest.
        latitude_deg: north positive.
    """
    day = datetime.date.fromisoformat(date).timetuple().tm_yday
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (day + 10) / 365)
    latitude, hour = math.radians(latitude_deg), math.radians(15 * (solar_hour - 12))
    sun = np.array(
        [
            -math.cos(declination) * math.sin(hour),
            math.cos(latitude) * math.sin(declination)
            - math.sin(latitude) * math.cos(declination) * math.cos(hour),
            math.sin(latitude) * math.sin(declination)
            + math.cos(latitude) * math.cos(declination) * math.cos(hour),
        ]
    )
    if sun[2] < 0.05:  # 3 degrees
        raise InputError(
            f"season: no sun on {date} at {solar_hour} h in latitude {latitude_deg} deg; "
            "set solar_hour nearer to 12"
        )
    return sun


def sunlight(
    surface_m: Raster, resolution_m: float, sun: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Light (rows, cols, 3) on every pixel of a north-up height raster; flat open ground gets 1."""
    south, east = np.gradient(surface_m, resolution_m)
    cosine = (sun[2] - sun[0] * east + sun[1] * south) / np.sqrt(1 + east**2 + south**2)
    # relative to flat ground, bounded because a low sun would burn out every slope that faces it
    facing = np.clip(cosine / sun[2], 0.0, 1.45) * (1 - cast_shadow(surface_m, resolution_m, sun))
    return np.asarray(SKY_LIGHT + SUN_LIGHT * facing[..., None], np.float32)


def cast_shadow(surface_m: Raster, resolution_m: float, sun: NDArray[np.float64]) -> Raster:
    """Share of the sun (rows, cols) that objects up to 40 m high take from every pixel."""
    slope = sun[2] / math.hypot(sun[0], sun[1])
    towards_sun = np.array([sun[0], -sun[1]]) / math.hypot(sun[0], sun[1])  # columns, rows
    shadow: Raster = np.zeros_like(surface_m)
    for step in range(1, math.ceil(min(40.0 / slope, 200.0) / resolution_m) + 1):
        shift = np.eye(2, 3)
        shift[:, 2] = -step * towards_sun
        obstacle_m = cv2.warpAffine(
            surface_m, shift, surface_m.shape[::-1], borderMode=cv2.BORDER_REPLICATE
        )
        above_m = obstacle_m - surface_m - np.float32(step * resolution_m * slope)
        np.maximum(shadow, above_m, out=shadow)
    return np.asarray(np.minimum(shadow / 0.8, 1.0), np.float32)  # edges are a little soft
