"""Images of blobs whose centers are known, to hold detectors against."""

import cv2
import numpy as np
from numpy.typing import NDArray


def blob_places(width: int = 320, height: int = 240, step: int = 40) -> NDArray[np.float64]:
    """Centers (n, 2) in pixels, at many parts of a pixel; the center of the top-left pixel is (0.5, 0.5)."""
    columns, rows = np.meshgrid(np.arange(step, width, step), np.arange(step, height, step))
    grid = np.column_stack([columns.ravel(), rows.ravel()])
    return grid + np.random.default_rng(0).uniform(-3, 3, grid.shape)


def blob_image(
    places: NDArray[np.float64], width: int = 320, height: int = 240, sigma_px: float = 3.0
) -> NDArray[np.uint8]:
    """Draw white blobs on gray, (height, width, 3) RGB."""
    columns, rows = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    image = np.full((height, width), 60.0)
    for x, y in places:
        image += 180 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma_px**2))
    gray = image.clip(0, 255).round().astype(np.uint8)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)


def misses(xy: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return from each place to the nearest of xy (n, 2): (x, y) (m, 2)."""
    between = xy[None] - places[:, None]
    nearest = np.linalg.norm(between, axis=2).argmin(axis=1)
    return between[np.arange(len(places)), nearest]
