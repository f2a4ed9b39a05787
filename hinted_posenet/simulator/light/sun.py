"""The sun: its direction, the colour and strength of its light, shading by slope and cast shadows."""

import datetime
import math
from typing import NamedTuple

import numpy as np
from astral import Observer
from astral.sun import azimuth, elevation, noon
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import Raster

LOWEST_SUN_DEG = 2.0
REFERENCE_SUN_DEG = 50.0
# Optical depths of clear air at 600, 550 and 450 nm: Rayleigh (Bucholtz 1995) and a rural aerosol.
OPTICAL_DEPTH_RGB = np.array([0.068 + 0.09, 0.098 + 0.10, 0.221 + 0.12])
SKY_RGB = np.array([0.105, 0.125, 0.165])  # irradiance of a clear sky, where a high sun has 1
OVERCAST_RGB = np.array([0.33, 0.33, 0.315])
KEPT_DIMNESS = 0.2  # share of a change of light, in stops, that auto exposure leaves visible
REACH_M = 80.0  # horizontal; longer shadows are cut off
SOFT_EDGE_M = 0.6  # height over which the edge of a shadow fades
BRIGHTEST = 1.5  # limit relative to flat ground: a low sun would overexpose slopes that face it


class Light(NamedTuple):
    """Linear irradiance (3,) of flat open ground, by source."""

    sun: NDArray[np.float64]
    sky: NDArray[np.float64]


def sun_direction(date: str, solar_hour: float, latitude_deg: float) -> NDArray[np.float64]:
    """Return the unit vector (3,) in ENU towards the sun, without refraction (astral, after Meeus).

    ``solar_hour`` is local apparent solar time; the sun is highest at 12. Raises InputError when the
    sun is down.
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
    """Return the air that sunlight passes, relative to the zenith (Kasten and Young 1989)."""
    low: float = 0.50572 * (height_deg + 6.07995) ** -1.6364
    return 1.0 / (math.sin(math.radians(height_deg)) + low)


def daylight(sun: NDArray[np.float64], cloud_cover: float = 0.0) -> Light:
    """Return the light of sun and sky under a cloud cover in [0, 1], as a camera exposes for it."""
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


def margin_px(resolution_m: float) -> int:
    """Return the width of the border of pixels around a window on which its light depends."""
    return math.ceil(REACH_M / resolution_m) + 2


def facing_sun(height_m: Raster, resolution_m: float, sun: NDArray[np.float64]) -> Raster:
    """Return the light of a sun (3,) in ENU on slopes (rows, cols) relative to flat ground, unshadowed."""
    south, east = gradient(height_m, resolution_m)
    tilted = np.float32(-sun[0] / sun[2]) * east + np.float32(sun[1] / sun[2]) * south
    facing = (1 + tilted) / np.sqrt(1 + east * east + south * south)
    return np.asarray(np.clip(facing, 0, BRIGHTEST), np.float32)


def gradient(height_m: Raster, resolution_m: float) -> tuple[Raster, Raster]:
    """Return the rise per metre (rows, cols) towards the south and towards the east."""
    south, east = np.gradient(height_m, np.float32(resolution_m))
    return np.asarray(south, np.float32), np.asarray(east, np.float32)


def cast_shadow(height_m: Raster, resolution_m: float, sun: NDArray[np.float64]) -> Raster:
    """Return the share of a sun (3,) in ENU that heights (rows, cols) hide from each pixel.

    The highest shadow ray over a pixel is the maximum over n steps towards the sun; the maximum over
    2 n steps is that of two maxima, one of them n steps away. So the cost grows with the logarithm
    of the reach.
    """
    flat = math.hypot(sun[0], sun[1])
    relief_m = float(height_m.max() - height_m.min())
    if flat < 1e-6 or relief_m == 0:
        return np.zeros_like(height_m)
    towards = np.array([-sun[1], sun[0]]) / flat  # rows, cols
    step_px = 1 / np.abs(towards).max()  # one whole pixel along one axis
    drop_m = np.float32(step_px * resolution_m * sun[2] / flat)
    steps = math.floor(REACH_M / (resolution_m * step_px))
    ray_m = _moved(height_m, towards * step_px) - drop_m  # highest of the steps so far
    done = 1
    while done < steps:
        more = min(done, steps - done)
        np.maximum(ray_m, _moved(ray_m, towards * step_px * more) - more * drop_m, out=ray_m)
        done += more
    return np.asarray(np.clip((ray_m - height_m) / np.float32(SOFT_EDGE_M), 0, 1), np.float32)


def _moved(values: Raster, offset_px: NDArray[np.float64]) -> Raster:
    """Sample values (rows, cols) at an offset (rows, cols), one of them whole; the edge is repeated."""
    whole = np.floor(offset_px + 1e-9)
    rest = np.where(offset_px - whole < 1e-6, 0, offset_px - whole)
    axis = int(np.argmax(rest))
    near = _shifted(values, int(whole[0]), int(whole[1]))
    if rest[axis] == 0:
        return near
    far = _shifted(values, int(whole[0]) + (axis == 0), int(whole[1]) + (axis == 1))
    share = np.float32(rest[axis])
    return np.asarray(near * (1 - share) + far * share, np.float32)


def _shifted(values: Raster, row: int, col: int) -> Raster:
    """Return out[r, c] = values[r + row, c + col], with the edge repeated."""
    margins = [(max(-shift, 0), max(shift, 0)) for shift in (row, col)]
    (_, top), (_, left) = margins
    rows, cols = values.shape
    return np.pad(values, margins, mode="edge")[top : top + rows, left : left + cols]
