"""Noise that is a function of seed and place alone, the same in every window.

Random numbers are hashes of integer grid coordinates (splitmix64), so that neither the order of calls nor
the size of a window changes them; interpolation weights follow from absolute pixel numbers.
"""

import math
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hinted_posenet.simulator.world import Raster, Window


def stream(seed: int, name: str) -> int:
    """Return the seed of one named use of randomness; other names give unrelated numbers."""
    return int(_mix(np.uint64((seed * 0x9E3779B97F4A7C15 + zlib.crc32(name.encode())) % 2**64)))


def uniform(stream_seed: int, *key: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Return numbers in [0, 1), one for each element of the broadcast integer keys."""
    mixed: NDArray[np.uint64] = np.asarray(np.uint64(stream_seed % 2**64))
    for part in key:
        number = np.asarray(part, np.int64).view(np.uint64)
        mixed = _mix(mixed + number * np.uint64(0x9E3779B97F4A7C15))
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def fractal_noise(window: Window, scale_px: float, stream_seed: int, octaves: int = 5) -> Raster:
    """Return smooth noise (rows, cols) of mean 0, deviation about 1, with features up to `scale_px`."""
    total: Raster = np.zeros((window.rows, window.cols), np.float32)
    amplitude, power = 1.0, 0.0
    for octave in range(octaves):
        if scale_px < 1.5:
            break
        total += np.float32(amplitude) * _smooth(window, scale_px, stream_seed + 1000003 * octave)
        power += amplitude**2
        amplitude, scale_px = amplitude / 2, scale_px / 2
    # 0.475: measured deviation of the cubic B-spline between grid points of deviation 1
    return total / np.float32(math.sqrt(max(power, 1e-9)) * 0.475)


def texture(
    window: Window, scale_px: float, seed: int, name: str, date: str, kept: float, octaves: int
) -> Raster:
    """Return noise (rows, cols) of deviation about 1; two dates are correlated by ``kept``."""
    scale_px = max(scale_px, 1.5)
    fixed = fractal_noise(window, scale_px, stream(seed, name), octaves)
    new = fractal_noise(window, scale_px, stream(seed, f"{name} {date}"), octaves)
    fixed *= np.float32(math.sqrt(kept))
    new *= np.float32(math.sqrt(1 - kept))
    fixed += new
    return fixed


def cubic_weights(f: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return cubic B-spline weights of the four grid points around places ``f`` beyond the second."""
    return [
        (1 - f) ** 3 / 6,
        (3 * f**3 - 6 * f**2 + 4) / 6,
        (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6,
        f**3 / 6,
    ]


def _smooth(window: Window, scale_px: float, stream_seed: int) -> Raster:
    """Evaluate the cubic B-spline of hashed values on a grid of `scale_px`."""
    row, col, rows, cols = window
    first_row, down = spline((np.arange(row, row + rows, dtype=np.float64) + 0.5) / scale_px)
    first_col, across = spline((np.arange(col, col + cols, dtype=np.float64) + 0.5) / scale_px)
    grid_rows = np.arange(first_row, first_row + down.shape[1])
    grid_cols = np.arange(first_col, first_col + across.shape[1])
    values = uniform(stream_seed, grid_rows[:, None], grid_cols[None, :]) - 0.5
    grid = (values * math.sqrt(12.0)).astype(np.float32)
    # sparse: always the same four products in the same order, equal to the last bit in every window
    return np.asarray(down @ (across @ grid.T).T)


def spline(place: NDArray[np.float64]) -> tuple[int, csr_array]:
    """Return the first grid point in reach and the cubic B-spline weights at rising places (n,).

    The weights (n, grid points) are four for each place.
    """
    first = np.floor(place)
    f = place - first
    weights = np.stack(cubic_weights(f), axis=1)
    point = (first - first[0]).astype(np.int64)[:, None] + np.arange(4)
    shape = len(place), int(point[-1, -1]) + 1
    parts = weights.astype(np.float32).ravel(), point.ravel(), 4 * np.arange(len(place) + 1)
    return int(first[0]) - 1, csr_array(parts, shape=shape)


def _mix(x: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    """Apply the finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))
