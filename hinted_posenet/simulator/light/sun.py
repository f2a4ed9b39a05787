"""Where the sun stands, and the colour and strength of its light and of the sky's.

Frame: ENU. Light is linear, relative to flat open ground under a sun 50 degrees high, to which the
camera's exposure and white balance are set.
"""

import datetime
import math
from typing import NamedTuple

import numpy as np
from astral import Observer
from astral.sun import azimuth, elevation, noon
from numpy.typing import NDArray

from hinted_posenet.types import InputError

LOWEST_SUN_DEG = 2.0
REFERENCE_SUN_DEG = 50.0
# Optical depths of clear air at 600, 550 and 450 nm: Rayleigh (Bucholtz 1995) and a rural aerosol.
OPTICAL_DEPTH_RGB = np.array([0.068 + 0.09, 0.098 + 0.10, 0.221 + 0.12])
SKY_RGB = np.array([0.105, 0.125, 0.165])  # irradiance of a clear sky of a high sun; the sun's is 1
OVERCAST_RGB = np.array([0.33, 0.33, 0.315])
KEPT_DIMNESS = 0.2  # share of a change of light, in stops, that automatic exposure leaves visible


class Light(NamedTuple):
    """Linear irradiance (3,) of flat open ground, by source."""

    sun: NDArray[np.float64]
    sky: NDArray[np.float64]


def sun_direction(date: str, solar_hour: float, latitude_deg: float) -> NDArray[np.float64]:
    """Unit vector (3,) in ENU towards the sun, without refraction (astral, after Meeus).

    Args:
        date: ISO date.
        solar_hour: local apparent solar time in hours; 12 is when the sun is highest.
        latitude_deg: north positive.

    Raises:
        InputError: the sun is down.
    """
    # on the Greenwich meridian: true solar time needs no longitude once noon is known
    observer = Observer(latitude=latitude_deg, longitude=0.0)
    day = datetime.date.fromisoformat(date)
    time = noon(observer, day) + datetime.timedelta(hours=solar_hour - 12.0)
    height_deg = float(elevation(observer, time, with_refraction=False))
    if height_deg < LOWEST_SUN_DEG:
        raise InputError(
            f"season solar_hour: the sun stands {height_deg:.1f} deg high on {date} at {solar_hour} h "
            f"in latitude {latitude_deg} deg, expected {LOWEST_SUN_DEG:g} or more; "
            "set solar_hour nearer to 12 or another date"
        )
    up, east = math.radians(height_deg), math.radians(azimuth(observer, time))
    return np.array([math.cos(up) * math.sin(east), math.cos(up) * math.cos(east), math.sin(up)])


def air_mass(height_deg: float) -> float:
    """Air that sunlight passes, relative to the zenith (Kasten and Young 1989)."""
    low: float = 0.50572 * (height_deg + 6.07995) ** -1.6364
    return 1.0 / (math.sin(math.radians(height_deg)) + low)


def daylight(sun: NDArray[np.float64], cloud_cover: float = 0.0) -> Light:
    """Light of the sun and of the sky under a cloud cover in [0, 1], as a camera exposes for it."""
    height_deg = math.degrees(math.asin(sun[2]))
    reference = _clear(REFERENCE_SUN_DEG)
    white = reference.sun + reference.sky
    clear = _clear(height_deg)
    clouds = OVERCAST_RGB * sun[2]  # white clouds brighten the sky
    sky = clear.sky + cloud_cover * (clouds - 0.5 * clear.sky)
    # exposure follows the scene: open sunny ground, or flat light once the sky is closed
    level = float((((1 - cloud_cover**3) * clear.sun + sky) / white).mean())
    gain = level ** (KEPT_DIMNESS - 1.0)
    return Light(gain * clear.sun / white, gain * sky / white)


def _clear(height_deg: float) -> Light:
    up = math.sin(math.radians(height_deg))
    sun = up * np.exp(-OPTICAL_DEPTH_RGB * air_mass(height_deg))
    return Light(sun, SKY_RGB * math.sqrt(up))
