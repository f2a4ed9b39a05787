"""How the orthophotos of one date were made: their place on the ground, sharpness and tones.

Land, sun and sensor are known elsewhere. What is done here leaves the heights alone: a photo that is
registered badly shows everything beside its true place.
"""

import math

import numpy as np

from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world import Raster, Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream

STRIP_M = 1500.0  # over which the error of registration changes
FINEST_PX = 32  # steps of a pixel in which a photo is shifted
LARGEST = 3.0  # deviations at which the error of registration is cut off
MIDDLE = 110.0  # sRGB that gamma leaves as it is
BLUR_REACH = 3.0  # deviations at which the kernel of the blur ends


def margin_px(season: Season, resolution_m: float) -> int:
    """Return the width of the border around a window on which its photo depends."""
    shift_px = math.ceil(LARGEST * season.registration_m / resolution_m)
    return shift_px + _shifts(season) + len(_kernel(season.blur_m / resolution_m)) // 2


def developed(
    image: Raster, window: Window, season: Season, resolution_m: float, seed: int
) -> Raster:
    """Return the photo (rows, cols, 3), sRGB of full scale 255, of colours over a window."""
    if _shifts(season):
        image = _shifted(image, window, season, resolution_m, seed)
    kernel = _kernel(season.blur_m / resolution_m)
    if len(kernel) > 1:
        image = _blurred(_blurred(image, kernel, 0), kernel, 1)
    if season.gamma != 1:
        level = np.maximum(image, 0) / np.float32(MIDDLE)
        image = np.float32(MIDDLE) * np.power(level, np.float32(season.gamma), dtype=np.float32)
    return image


def _shifts(season: Season) -> bool:
    return season.registration_m > 0


def _shifted(
    image: Raster, window: Window, season: Season, resolution_m: float, seed: int
) -> Raster:
    """Sample bilinearly beside every pixel, in whole steps so that every window has the same bits."""
    rows, cols = image.shape[:2]
    scale_px, steps = max(STRIP_M / resolution_m, 1.5), []
    for axis, size in (("south", rows), ("east", cols)):
        name = stream(seed, f"registration {axis} {season.date}")
        error = np.clip(fractal_noise(window, scale_px, name, 2), -LARGEST, LARGEST)
        shift_px = np.float32(season.registration_m / resolution_m) * error
        start = np.arange(size)[:, None] if axis == "south" else np.arange(size)[None, :]
        place = np.rint(shift_px * FINEST_PX).astype(np.int64) + FINEST_PX * start
        steps.append(np.clip(place, 0, FINEST_PX * (size - 1)))
    (row, down), (col, across) = (np.divmod(step, FINEST_PX) for step in steps)
    below, beside = np.minimum(row + 1, rows - 1), np.minimum(col + 1, cols - 1)
    down, across = (
        (part / np.float32(FINEST_PX)).astype(np.float32)[..., None] for part in (down, across)
    )
    upper = image[row, col] * (1 - across) + image[row, beside] * across
    lower = image[below, col] * (1 - across) + image[below, beside] * across
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def _kernel(sigma_px: float) -> list[float]:
    """Return the weights (odd) of a Gaussian; [1] where it is too narrow to matter."""
    reach = math.ceil(BLUR_REACH * sigma_px) if sigma_px > 0.1 else 0
    weights = [
        math.exp(-0.5 * (k / sigma_px) ** 2) if reach else 1.0 for k in range(-reach, reach + 1)
    ]
    return [weight / sum(weights) for weight in weights]


def _blurred(image: Raster, kernel: list[float], axis: int) -> Raster:
    """Filter along an axis by adding whole images in a fixed order: the same bits in every window."""
    reach = len(kernel) // 2
    margins = [(0, 0), (0, 0), (0, 0)]
    margins[axis] = (reach, reach)
    wide = np.pad(image, margins, mode="edge")
    size = image.shape[axis]
    total = np.zeros_like(image)
    for start, weight in enumerate(kernel):
        part = wide[start : start + size] if axis == 0 else wide[:, start : start + size]
        total += np.float32(weight) * part
    return total
