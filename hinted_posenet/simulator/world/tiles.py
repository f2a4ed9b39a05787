"""Tiles: a world in squares that are loaded on demand and kept while memory allows."""

from typing import NamedTuple

import cv2
import numpy as np
from cachetools import LRUCache

from hinted_posenet.simulator.world.lattice import Bounds, Window
from hinted_posenet.simulator.world.world import Epoch, Raster, Rgb, World

TILE_PX = 512  # a power of two, so that every mip level of neighbouring tiles meets
LEVELS = 10  # the coarsest is one pixel a tile


class Tile(NamedTuple):
    """Number of a tile from the lattice's north-west corner; may be negative."""

    row: int
    col: int

    @property
    def window(self) -> Window:
        """Its pixels."""
        return Window(self.row * TILE_PX, self.col * TILE_PX, TILE_PX, TILE_PX)


def tiles_over(world: World, bounds: Bounds) -> list[Tile]:
    """Tiles that cover ``bounds``, row by row."""
    window = world.lattice.window_of(bounds, TILE_PX)
    rows = range(window.row // TILE_PX, (window.row + window.rows) // TILE_PX)
    cols = range(window.col // TILE_PX, (window.col + window.cols) // TILE_PX)
    return [Tile(row, col) for row in rows for col in cols]


class TileCache:
    """The tiles of one world that were used last.

    Args:
        world: read tile by tile.
        memory_mb: kept of photos and of surfaces, each.
    """

    def __init__(self, world: World, memory_mb: float = 400.0) -> None:
        self.world = world
        limit = memory_mb * 1e6
        self._photos: LRUCache[tuple[Tile, Epoch], list[Rgb]] = LRUCache(
            limit, lambda levels: sum(level.nbytes for level in levels)
        )
        self._surfaces: LRUCache[Tile, Raster] = LRUCache(limit, lambda surface: surface.nbytes)

    def surface(self, tile: Tile) -> Raster:
        """Nodes of a tile (TILE_PX / node_px + 1, ...); neighbours share their border nodes."""
        if (found := self._surfaces.get(tile)) is None:
            found = self._surfaces[tile] = self.world.surface(tile.window)
        return found

    def photo(self, tile: Tile, epoch: Epoch) -> list[Rgb]:
        """Photo of a tile at every mip level, the finest first."""
        if (found := self._photos.get((tile, epoch))) is None:
            found = self._photos[tile, epoch] = mip_levels(self.world.photo(tile.window, epoch))
        return found

    def mosaic(self, window: Window, level: int, epoch: Epoch) -> Rgb:
        """Photo (rows, cols, 3) over a window that counts in pixels of a mip level."""
        side = TILE_PX >> level
        photo = np.empty((window.rows, window.cols, 3), np.uint8)
        for tile_row in range(window.row // side, (window.row + window.rows - 1) // side + 1):
            for tile_col in range(window.col // side, (window.col + window.cols - 1) // side + 1):
                part = self.photo(Tile(tile_row, tile_col), epoch)[level]
                top, left = tile_row * side - window.row, tile_col * side - window.col
                rows = slice(max(-top, 0), min(window.rows - top, side))
                cols = slice(max(-left, 0), min(window.cols - left, side))
                photo[top + rows.start : top + rows.stop, left + cols.start : left + cols.stop] = (
                    part[rows, cols]
                )
        return photo


def mip_levels(photo: Rgb) -> list[Rgb]:
    """A photo in steps of half the resolution; area averages, so the levels stay aligned."""
    levels = [photo]
    while len(levels) < LEVELS:
        half = max(1, levels[-1].shape[1] // 2), max(1, levels[-1].shape[0] // 2)
        levels.append(np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA)))
    return levels
