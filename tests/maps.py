"""A small map on disk, and photos of it: ground with random patches and relief, seen by a camera from above."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
import torch
from rasterio.transform import from_origin

from hinted_posenet.core.geodesy import Origin, camera_rotation
from hinted_posenet.core.geometry import rotate
from hinted_posenet.core.types import Pose

SIDE = 240  # pixels, of a metre
ORIGIN = Origin(8.0, 47.0, vertical="ellipsoid")
K = (110.0, 110.0, 48.0, 36.0)
WIDTH, HEIGHT = 96, 72


def ground(seed: int = 0) -> np.ndarray:
    """A photo (SIDE, SIDE, 3) of patches of every size."""
    noise = np.random.default_rng(seed)
    sizes = (SIDE, SIDE // 4, SIDE // 16)
    layers = [noise.normal(size=(size, size, 3)).astype(np.float32) for size in sizes]
    layers[0] = cv2.GaussianBlur(layers[0], (0, 0), 1.5) * 4
    photo = sum(cv2.resize(layer, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for layer in layers)
    return np.clip(128 + 25 * np.asarray(photo), 1, 255).astype(np.uint8)


def write(path: Path, bands: np.ndarray, **options: Any) -> Path:
    """Write bands (n, SIDE, SIDE) as a GeoTIFF around the origin."""
    count, rows, cols = bands.shape
    place = {
        "crs": ORIGIN.projection,
        "transform": from_origin(-cols / 2, rows / 2, 1.0, 1.0),
        **options,
    }
    shape = {"driver": "GTiff", "count": count, "height": rows, "width": cols}
    with rasterio.open(path, "w", **shape, dtype=bands.dtype, **place) as file:
        file.write(bands)
    return path


def write_map(folder: Path, height_m: float = 0.0) -> tuple[Path, Path]:
    """Write a photo and heights."""
    photo = write(folder / "ortho_20240710.tif", ground().transpose(2, 0, 1))
    heights = np.full((1, SIDE, SIDE), height_m, np.float32)
    return photo, write(folder / "dem.tif", heights)


def photo_of(pose: Pose, height_m: float = 0.0) -> np.ndarray:
    """What the camera K sees of the map from a pose: RGB (HEIGHT, WIDTH, 3)."""
    col, row = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(col - K[2]) / K[0], (row - K[3]) / K[1], np.ones_like(col)], axis=-1)
    directions = rotate(pose.q, torch.from_numpy(rays)).numpy()
    t = pose.t.numpy()
    points = t + directions * ((height_m - t[2]) / directions[..., 2])[..., None]
    x, y = points[..., 0] + SIDE / 2 - 0.5, SIDE / 2 - points[..., 1] - 0.5
    return cv2.remap(ground(), x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC)


def down(x: float, y: float, z: float, heading_deg: float = 0.0) -> Pose:
    """The pose of a camera that looks straight down."""
    t = torch.tensor([x, y, z], dtype=torch.float64)
    return Pose(t, camera_rotation(heading_deg, -90.0, 0.0))
