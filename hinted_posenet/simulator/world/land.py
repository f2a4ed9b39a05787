"""Land: the season-free layers of a procedural world, and the noise that shapes them."""

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.world import Raster, Rgb

Mask = NDArray[np.bool_]  # (rows, cols)


class Cover(IntEnum):
    """What the ground is covered with; season configs name these in lower case."""

    GRASS = 0
    FIELD = 1
    FOREST = 2  # the floor under the trees
    WATER = 3
    SHORE = 4
    ROAD = 5
    TRACK = 6
    YARD = 7
    ROOF = 8
    DECIDUOUS = 9  # crowns: what is seen from above in place of the ground
    CONIFER = 10


CROPS = ("wheat", "maize", "rapeseed", "meadow", "beet", "soil")


@dataclass
class Land:
    """Layers (rows, cols), north up, one value per pixel area."""

    resolution_m: float
    surface_m: Raster  # terrain, then buildings and trees on top
    leafless_m: (
        Raster  # the same without deciduous trees: what still casts shadows once leaves are down
    )
    ground: NDArray[np.uint8]  # Cover codes
    crown: NDArray[np.uint8]  # 0, or the Cover code of the tree above the ground
    crown_tone: Raster  # [0, 1], one value a tree
    crop: NDArray[np.uint8]  # index in CROPS, meaningful in fields
    parcel_tone: Raster  # [-1, 1], one value a parcel
    furrow: Raster  # [-1, 1], stripes along the parcel
    roof_rgb: Rgb

    @classmethod
    def empty(cls, terrain_m: Raster, resolution_m: float) -> "Land":
        """Grass on a terrain."""
        shape = terrain_m.shape
        return cls(
            resolution_m=resolution_m,
            surface_m=terrain_m,
            leafless_m=terrain_m,
            ground=np.full(shape, Cover.GRASS, np.uint8),
            crown=np.zeros(shape, np.uint8),
            crown_tone=np.zeros(shape, np.float32),
            crop=np.zeros(shape, np.uint8),
            parcel_tone=np.zeros(shape, np.float32),
            furrow=np.zeros(shape, np.float32),
            roof_rgb=np.zeros((*shape, 3), np.uint8),
        )

    def window(
        self, col: float, row: float, radius: float
    ) -> tuple[tuple[slice, slice], Raster, Raster]:
        """Slices of the pixels around a place, and their columns and rows relative to it."""
        rows, cols = self.ground.shape
        left, right = max(int(col - radius), 0), min(int(col + radius) + 2, cols)
        top, bottom = max(int(row - radius), 0), min(int(row + radius) + 2, rows)
        right, bottom = max(left, right), max(top, bottom)
        dc = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(col)
        dr = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(row)
        return (slice(top, bottom), slice(left, right)), dc, dr


def fractal_noise(
    shape: tuple[int, int], scale_px: float, generator: np.random.Generator, octaves: int = 5
) -> Raster:
    """Smooth noise (rows, cols), mean 0, deviation about 1; features of `scale_px` and finer."""
    total: Raster = np.zeros(shape, np.float32)
    amplitude, power = 1.0, 0.0
    for _ in range(octaves):
        if scale_px < 1.5:
            break
        rows, cols = (int(np.ceil(n / scale_px)) + 4 for n in shape)
        grid = generator.standard_normal((rows, cols)).astype(np.float32)
        # sample the grid at this scale from a random offset, whatever the size of the raster
        dx, dy = generator.uniform(1.0, 2.0, 2)
        x = (np.arange(shape[1], dtype=np.float32) / scale_px + dx).astype(np.float32)
        y = (np.arange(shape[0], dtype=np.float32) / scale_px + dy).astype(np.float32)
        layer = cv2.remap(
            grid, np.tile(x, (len(y), 1)), np.tile(y[:, None], (1, len(x))), cv2.INTER_CUBIC
        )
        total += np.float32(amplitude) * layer
        power += amplitude**2
        amplitude, scale_px = amplitude / 2, scale_px / 2
    return total / np.float32(np.sqrt(max(power, 1e-9)) * 0.6)


def smoothstep(x: Raster) -> Raster:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
