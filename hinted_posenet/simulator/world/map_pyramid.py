"""One date of a map at every power-of-two resolution: blocks that are read once, and parts resampled from them."""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio.crs import CRS

from hinted_posenet.simulator.world import Bounds, PixelGrid, Rgb, Window
from hinted_posenet.simulator.world.bands import Photo
from hinted_posenet.simulator.world.geotiff import Extent, union
from hinted_posenet.simulator.world.mosaic import Mosaic

BLOCK_PX = 256
MEMORY_BYTES = 200e6  # of blocks that are kept, of one date
COLLAR_PX = 5  # a square in pure black is no shadow but a border without ground
MARGIN_PX = 2  # what cubic interpolation reaches
MASK_PX = 2 * MARGIN_PX + 1  # a square that has to be known

Mask = NDArray[np.bool_]
Block = tuple[Rgb, NDArray[np.uint8]]  # pixels, and 1 where they are known


class Pyramid:
    """Files of one date; those of lower index win where they overlap.

    Level 0 has the pixels of the finest file, and every further one pixels of twice the size, from overviews
    where the files have them.
    """

    def __init__(self, extents: Sequence[Extent], local: CRS) -> None:
        self.extents = tuple(extents)
        self.bounds: Bounds = union([extent.bounds for extent in extents])
        self.resolution_m = min(extent.resolution_m for extent in extents)
        self._local_wkt = local.to_wkt()
        self._mosaics: dict[int, Mosaic] = {}
        self._blocks = _cache()

    def part(self, grid: PixelGrid) -> tuple[Rgb, Mask]:
        """Return the photo (rows, cols, 3) at the pixels of any grid, and where it is known."""
        level = self.level(grid.resolution_m)
        fine = self._mosaic(level).grid
        ratio = grid.resolution_m / fine.resolution_m
        # pixel centers of the grid, in pixels of the level
        row, col = fine.place_of(
            grid.xmin + grid.resolution_m / 2, grid.ymax - grid.resolution_m / 2
        )
        top, left = math.floor(row) - MARGIN_PX, math.floor(col) - MARGIN_PX
        window = Window(
            top,
            left,
            math.ceil((grid.rows - 1) * ratio) + 2 * MARGIN_PX + 2,
            math.ceil((grid.cols - 1) * ratio) + 2 * MARGIN_PX + 2,
        )
        photo, known = self._read(level, window)
        # pixel centers of OpenCV are at whole numbers
        affine = np.array([[ratio, 0, col - left - 0.5], [0, ratio, row - top - 0.5]])
        size, back = (grid.cols, grid.rows), cv2.WARP_INVERSE_MAP
        square = np.ones((MASK_PX, MASK_PX), np.uint8)
        inner = np.asarray(cv2.erode(known, square, borderValue=0), np.uint8)
        return (
            np.asarray(cv2.warpAffine(photo, affine, size, flags=cv2.INTER_CUBIC | back), np.uint8),
            np.asarray(cv2.warpAffine(inner, affine, size, flags=cv2.INTER_NEAREST | back)) > 0,
        )

    def level(self, cell_m: float) -> int:
        """Return the level whose pixels are nearest in size."""
        return max(round(math.log2(cell_m / self.resolution_m)), 0)

    def _mosaic(self, level: int) -> Mosaic:
        """Return the files on whole blocks of a level."""
        if level not in self._mosaics:
            local = CRS.from_wkt(self._local_wkt)
            self._mosaics[level] = Mosaic(self.extents, local, self._grid(level), Photo())
        return self._mosaics[level]

    def _grid(self, level: int) -> PixelGrid:
        """Return whole blocks over the bounds."""
        res_m, block_m = self.resolution_m * 2**level, self.resolution_m * 2**level * BLOCK_PX
        rows, cols = (
            math.ceil(side / block_m) for side in (self.bounds.height_m, self.bounds.width_m)
        )
        return PixelGrid(
            self.bounds.xmin, self.bounds.ymax, res_m, rows * BLOCK_PX, cols * BLOCK_PX
        )

    def _read(self, level: int, window: Window) -> Block:
        photo = np.zeros((window.rows, window.cols, 3), np.uint8)
        known = np.zeros((window.rows, window.cols), np.uint8)
        inside = window.overlap(self._mosaic(level).grid.window)
        if not (inside.rows and inside.cols):
            return photo, known
        for block in inside.blocks(BLOCK_PX):
            pixels, valid = self._block(level, block)
            part = block.overlap(inside)
            photo[part.within(window)] = pixels[part.within(block)]
            known[part.within(window)] = valid[part.within(block)]
        return photo, known

    def _block(self, level: int, block: Window) -> Block:
        key = level, block.row, block.col
        if (found := self._blocks.get(key)) is None:
            photo, valid = self._mosaic(level).raw(block)
            found = self._blocks[key] = photo, (valid & ~_collar(photo)).astype(np.uint8)
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._blocks = _cache()


def _cache() -> "LRUCache[tuple[int, int, int], Block]":
    return LRUCache(MEMORY_BYTES, lambda block: block[0].nbytes + block[1].nbytes)


def _collar(photo: Rgb) -> Mask:
    """Return where a photo (rows, cols, 3) is a border in pure black, which shows no ground."""
    black = (photo.max(axis=-1) == 0).astype(np.uint8)
    if not black.any():
        return np.zeros(black.shape, np.bool_)
    square = np.ones((COLLAR_PX, COLLAR_PX), np.uint8)
    return np.asarray(cv2.morphologyEx(black, cv2.MORPH_OPEN, square), np.bool_)
