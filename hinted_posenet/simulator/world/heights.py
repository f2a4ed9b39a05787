"""Heights of ground as maps read them, and ground that is level; needs no reader of rasters."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import PixelGrid, Raster

Known = NDArray[np.bool_]


class HeightSource(Protocol):
    """Heights of the ground or the surface."""

    def part(self, grid: PixelGrid) -> tuple[Raster, Known]:
        """Return heights in metres (rows, cols) at the centers of pixels, and where they are known."""


class LevelGround:
    """Ground at one height."""

    def __init__(self, height_m: float) -> None:
        self.height_m = height_m

    def part(self, grid: PixelGrid) -> tuple[Raster, Known]:
        """See `HeightSource`."""
        shape = grid.rows, grid.cols
        return np.full(shape, self.height_m, np.float32), np.ones(shape, np.bool_)
