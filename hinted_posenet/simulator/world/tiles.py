"""A world in tiles that are loaded on demand and kept while memory allows, and a small overview of it."""

import math

import cv2
import numpy as np
from cachetools import LRUCache

from hinted_posenet.simulator.world import Capture, Raster, Rgb, Window, World

TILE_PX = 512  # a power of two, so that neighbouring tiles meet at every mip level
LEVELS = 10  # the coarsest is one pixel a tile
MAP_SIZE_PX = 1024


class TileCache:
    """The tiles of a world that were used last, up to ``memory_mb`` of photos and of surfaces each."""

    def __init__(self, world: World, memory_mb: float = 400.0) -> None:
        self.world = world
        limit = memory_mb * 1e6
        self._photos: LRUCache[tuple[Window, Capture], list[Rgb]] = LRUCache(
            limit, lambda levels: sum(level.nbytes for level in levels)
        )
        self._surfaces: LRUCache[Window, Raster] = LRUCache(limit, lambda surface: surface.nbytes)

    def surface(self, tile: Window) -> Raster:
        """Return the nodes of a tile (TILE_PX / node_px + 1, ...); neighbours share border nodes."""
        if (found := self._surfaces.get(tile)) is None:
            found = self._surfaces[tile] = self.world.surface(tile)
        return found

    def photo(self, tile: Window, capture: Capture) -> list[Rgb]:
        """Return the photo of a tile at every mip level, the finest first."""
        if (found := self._photos.get((tile, capture))) is None:
            found = self._photos[tile, capture] = mip_levels(self.world.photo(tile, capture))
        return found

    def mosaic(self, window: Window, level: int, capture: Capture) -> Rgb:
        """Return the photo (rows, cols, 3) over a window in pixels of a mip level."""
        photo = np.empty((window.rows, window.cols, 3), np.uint8)
        for block in window.blocks(TILE_PX >> level):
            tile = Window(*(edge << level for edge in block))
            part = block.overlap(window)
            photo[part.within(window)] = self.photo(tile, capture)[level][part.within(block)]
        return photo


def mip_levels(photo: Rgb) -> list[Rgb]:
    """Return a photo in steps of half the resolution; area averages, so that levels stay aligned."""
    levels = [photo]
    while len(levels) < LEVELS:
        half = max(1, levels[-1].shape[1] // 2), max(1, levels[-1].shape[0] // 2)
        levels.append(np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA)))
    return levels


def overview(world: World, capture: Capture) -> Rgb:
    """Return the world from above, at most 1024 px a side, over exactly its bounds."""
    rows, cols = world.pixel_grid.rows, world.pixel_grid.cols
    longest = max(rows, cols)
    step = 2 ** max(0, math.floor(math.log2(longest / MAP_SIZE_PX)))
    strips = []
    for row in range(0, rows, TILE_PX):  # strip by strip, however vast the world is
        strip = world.photo(Window(row, 0, min(TILE_PX, rows - row), cols), capture)
        reduced = math.ceil(cols / step), math.ceil(len(strip) / step)
        strips.append(cv2.resize(strip, reduced, interpolation=cv2.INTER_AREA))
    shrink = min(1.0, MAP_SIZE_PX / longest)
    size = max(1, round(cols * shrink)), max(1, round(rows * shrink))
    return np.asarray(cv2.resize(np.vstack(strips), size, interpolation=cv2.INTER_AREA), np.uint8)
