"""Shading by slope and cast shadows of height rasters (rows, cols), north up, in metres.

Every value is made of products and sums of single pixels in a fixed order, so that it is the same to
the last bit in every window that holds all pixels in reach.
"""

import math

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.world import Raster

REACH_M = 80.0  # horizontal; longer shadows are cut off
SOFT_EDGE_M = 0.6  # of height, over which the edge of a shadow fades
BRIGHTEST = 1.5  # of flat ground: a low sun would burn out every slope that faces it


def margin_px(resolution_m: float) -> int:
    """Pixels around a window on which its light depends."""
    return math.ceil(REACH_M / resolution_m) + 2


def facing_sun(height_m: Raster, resolution_m: float, sun: NDArray[np.float64]) -> Raster:
    """Sunlight (rows, cols) that slopes receive, of what flat ground does, without cast shadows.

    Args:
        height_m: heights (rows, cols).
        resolution_m: size of a pixel.
        sun: unit vector (3,) in ENU.
    """
    south, east = gradient(height_m, resolution_m)
    tilted = np.float32(-sun[0] / sun[2]) * east + np.float32(sun[1] / sun[2]) * south
    facing = (1 + tilted) / np.sqrt(1 + east * east + south * south)
    return np.asarray(np.clip(facing, 0, BRIGHTEST), np.float32)


def gradient(height_m: Raster, resolution_m: float) -> tuple[Raster, Raster]:
    """Rise per metre (rows, cols) towards the south and towards the east."""
    south, east = np.gradient(height_m, np.float32(resolution_m))
    return np.asarray(south, np.float32), np.asarray(east, np.float32)


def cast_shadow(height_m: Raster, resolution_m: float, sun: NDArray[np.float64]) -> Raster:
    """Share of the sun (rows, cols) that is hidden behind what stands between it and a pixel.

    The highest shadow ray over a pixel is the maximum over n steps towards the sun; the maximum over
    2 n steps is that of two maxima, one of them n steps away. So the work grows with the logarithm
    of the reach.

    Args:
        height_m: heights (rows, cols).
        resolution_m: size of a pixel.
        sun: unit vector (3,) in ENU.
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
    """Values (rows, cols) at an offset (rows, cols), one of them whole; the edge is repeated."""
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
    """Out[r, c] = values[r + row, c + col], the edge repeated."""
    rows, cols = values.shape
    moved = np.empty_like(values)
    top, bottom = min(max(-row, 0), rows), min(max(rows - row, 0), rows)
    left, right = min(max(-col, 0), cols), min(max(cols - col, 0), cols)
    if top >= bottom or left >= right:
        return values.copy()
    moved[top:bottom, left:right] = values[top + row : bottom + row, left + col : right + col]
    moved[:top, left:right] = moved[top, left:right]
    moved[bottom:, left:right] = moved[bottom - 1, left:right]
    moved[:, :left] = moved[:, left : left + 1]
    moved[:, right:] = moved[:, right - 1 : right]
    return moved
