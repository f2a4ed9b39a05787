"""Statistics of photos and of changes between them; one value a date, or one a pair of dates.

Lightness and colours are CIE Lab of sRGB: L* in [0, 100].
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from realism_photos import Photos

from hinted_posenet.simulator.world import Cover
from hinted_posenet.simulator.world.world import Raster, Rgb

# colour classes that need no land cover, so that real and simulated photos are cut alike
DARK_BELOW = 30.0  # L*: water, conifers, shadows
GREEN_BELOW = -6.0  # a*: what grows
SCALES_PX = (2.0, 8.0, 32.0)  # Gaussian sigmas between the bands
BANDS = ("fine", "middle", "coarse")  # texture; trees and tracks; parcels and lakes
SPECTRUM_PX = (2.5, 64.0)  # wavelengths of the fitted slope
KEYPOINTS, RATIO, SAME_PLACE_PX = 4000, 0.8, 3.0

Keypoints = tuple[
    NDArray[np.float32], NDArray[np.float32]
]  # places (N, 2) in px, descriptors (N, 128)


def lab(rgb: Rgb) -> NDArray[np.float32]:
    """Convert sRGB to L*, a*, b* (rows, cols, 3)."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def keypoints(rgb: Rgb) -> Keypoints:
    """Find the strongest SIFT keypoints."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    found, descriptors = cv2.SIFT.create(nfeatures=KEYPOINTS).detectAndCompute(grey, None)
    if not found:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.asarray(cv2.KeyPoint.convert(found), np.float32), np.asarray(descriptors, np.float32)


def matched(a: Keypoints, b: Keypoints) -> int:
    """Count the keypoints of one date that are found at the same place on another.

    Nearest to each other both ways, by the ratio test clearly nearest, and within 3 px, because the photos
    are registered.
    """
    if min(len(a[0]), len(b[0])) < 2:
        return 0
    matcher = cv2.BFMatcher()
    back = {match.queryIdx: match.trainIdx for match in matcher.match(b[1], a[1])}
    found = [
        (first.queryIdx, first.trainIdx)
        for first, second in matcher.knnMatch(a[1], b[1], k=2)
        if first.distance < RATIO * second.distance and back[first.trainIdx] == first.queryIdx
    ]
    rows = np.array(found, np.intp).reshape(-1, 2)
    apart = np.linalg.norm(a[0][rows[:, 0]] - b[0][rows[:, 1]], axis=1)
    return int((apart < SAME_PLACE_PX).sum())


def bands(lightness: Raster) -> dict[str, Raster]:
    """Split lightness by size of structures: differences of Gaussians between `SCALES_PX`."""
    blurred = [lightness, *(cv2.GaussianBlur(lightness, (0, 0), sigma) for sigma in SCALES_PX)]
    return {
        name: np.asarray(sharp - soft, np.float32)
        for name, sharp, soft in zip(BANDS, blurred, blurred[1:], strict=False)
    }


def gradient(lightness: Raster) -> Raster:
    """Return the magnitude of the gradient (rows, cols) in L* per pixel."""
    down, right = np.gradient(lightness)
    return np.asarray(np.hypot(down, right), np.float32)


def correlation_length_px(lightness: Raster) -> float:
    """Return the distance at which the mean autocorrelation over all directions has fallen to 1/e."""
    rows, cols = lightness.shape
    padded = 2 * rows, 2 * cols  # so that the picture does not meet itself round its edges
    spectrum = np.fft.rfft2(lightness - lightness.mean(), padded)
    overlap = np.fft.rfft2(np.ones_like(lightness), padded)
    sums, counts = (np.fft.irfft2(np.abs(part) ** 2, padded) for part in (spectrum, overlap))
    reach = min(rows, cols) // 2
    near = np.r_[0:reach, -reach:0]
    mean = (sums / np.maximum(counts, 1))[np.ix_(near, near)]
    profile = radial_mean(mean, np.hypot(*np.meshgrid(near, near)), reach)
    below = np.flatnonzero(profile < profile[0] / np.e)
    if not len(below):
        return float(reach)
    last = int(below[0]) - 1
    return float(last + (profile[last] - profile[0] / np.e) / (profile[last] - profile[last + 1]))


def spectrum_slope(lightness: Raster) -> float:
    """Fit the exponent of power over spatial frequency, mean of all directions; white noise has 0."""
    side = min(lightness.shape)
    square = lightness[:side, :side] - lightness[:side, :side].mean()
    taper = np.hanning(side)
    power = np.abs(np.fft.fft2(square * taper * taper[:, None])) ** 2
    cycles = np.fft.fftfreq(side) * side
    profile = radial_mean(power, np.hypot(*np.meshgrid(cycles, cycles)), side // 2)
    wavelength_px = side / np.arange(1, len(profile))
    fitted = (wavelength_px >= SPECTRUM_PX[0]) & (wavelength_px <= SPECTRUM_PX[1])
    x, y = -np.log(wavelength_px[fitted]), np.log(profile[1:][fitted] + 1e-12)
    # in equal steps of log frequency, or the finest octave would decide alone
    even = np.linspace(x[0], x[-1], 40)
    return float(np.polyfit(even, np.interp(even, x, y), 1)[0])


def radial_mean(
    values: NDArray[np.float64], radius: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """Return the mean (reach,) of values by rounded radius."""
    ring = np.rint(radius).astype(np.intp)
    inside = ring < reach
    count = np.bincount(ring[inside], minlength=reach)
    return np.asarray(np.bincount(ring[inside], values[inside], reach) / np.maximum(count, 1))


def of_date(rgb: Rgb, resolution_m: float) -> dict[str, float]:
    """Measure the statistics of one photo."""
    colour = lab(rgb)
    lightness = np.ascontiguousarray(colour[..., 0])
    steep = np.percentile(gradient(lightness), (50, 90, 99))
    values: dict[str, float] = {}
    for name, channel in zip(("L*", "a*", "b*"), np.moveaxis(colour, -1, 0), strict=True):
        values[f"{name} mean"], values[f"{name} sd"] = float(channel.mean()), float(channel.std())
    dark = lightness < DARK_BELOW
    green = ~dark & (colour[..., 1] < GREEN_BELOW)
    for name, here in {"dark": dark, "green": green, "bare": ~dark & ~green}.items():
        values[f"{name}: share, %"] = 100 * float(here.mean())
        if here.mean() > 0.01:  # fewer pixels give no reliable statistics
            values[f"{name}: L* mean"] = float(lightness[here].mean())
            values[f"{name}: L* sd"] = float(lightness[here].std())
    for percent, value in zip((50, 90, 99), steep, strict=True):
        values[f"gradient, {percent} % below, L*/px"] = float(value)
    for name, band in bands(lightness).items():
        values[f"contrast, {name}, L* sd"] = float(band.std())
    values["correlation length, m"] = resolution_m * correlation_length_px(lightness)
    values["slope of the power spectrum"] = spectrum_slope(lightness)
    return values


def of_cover(photos: Photos) -> dict[str, dict[str, list[float]]]:
    """Land cover -> statistics, one value a date, where the cover is known and of more than 0.1 %."""
    table: dict[str, dict[str, list[float]]] = {}
    if photos.cover is None:
        return table
    for cover in Cover:
        here = photos.cover == cover
        if here.mean() > 0.001:
            row = table[cover.name.lower()] = {"share, %": [100 * float(here.mean())]}
            for rgb in photos.rgb.values():
                colours = lab(rgb)[here]
                for name, channel in zip(("L*", "a*", "b*"), colours.T, strict=True):
                    row.setdefault(f"{name} mean", []).append(float(channel.mean()))
                    row.setdefault(f"{name} sd", []).append(float(channel.std()))
    return table


def of_pair(a: Rgb, b: Rgb) -> dict[str, float]:
    """Measure the changes between two registered photos."""
    first, second = (np.ascontiguousarray(lab(rgb)[..., 0]) for rgb in (a, b))
    values = {
        "mean difference, 8-bit RGB": float(np.abs(a.astype(np.int16) - b).mean()),
        "correlation of lightness": correlation(first, second),
        "correlation of gradients": correlation(gradient(first), gradient(second)),
    }
    parts = zip(bands(first).items(), bands(second).values(), strict=True)
    return values | {f"correlation, {name}": correlation(x, y) for (name, x), y in parts}


def correlation(a: Raster, b: Raster) -> float:
    """Pearson's; 0 where one does not vary."""
    x, y = a.ravel() - a.mean(dtype=np.float64), b.ravel() - b.mean(dtype=np.float64)
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else 0.0
