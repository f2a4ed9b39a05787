"""A world whose rasters are arrays in memory; beyond its borders it continues as its last pixels."""

from collections.abc import Mapping

import numpy as np

from hinted_posenet.simulator.world.lattice import Lattice, Window
from hinted_posenet.simulator.world.world import Epoch, Origin, Raster, Rgb, World


class ArrayWorld(World):
    """World from one photo per epoch and one surface.

    Args:
        lattice: its rows and cols are those of the photos, multiples of node_px.
        photos: epoch -> (rows, cols, 3).
        surface_m: nodes (rows / node_px + 1, cols / node_px + 1).
        node_px: pixels between two nodes.
        origin: where it lies on Earth.
    """

    def __init__(
        self,
        lattice: Lattice,
        photos: Mapping[Epoch, Rgb],
        surface_m: Raster,
        node_px: int,
        origin: Origin | None = None,
    ) -> None:
        heights = float(surface_m.min()), float(surface_m.max())
        super().__init__(lattice, node_px, tuple(photos), heights, origin)
        self._photos, self._surface_m = dict(photos), surface_m

    def photo(self, window: Window, epoch: Epoch) -> Rgb:
        """See `World`."""
        return cut(self._photos[epoch], window)

    def surface(self, window: Window) -> Raster:
        """See `World`."""
        row, col, rows, cols = (edge // self.node_px for edge in window)
        return cut(self._surface_m, Window(row, col, rows + 1, cols + 1))

    def terrain(self, window: Window) -> Raster:
        """See `World`; nothing stands on it."""
        return self.surface(window)


def cut(array: np.ndarray, window: Window) -> np.ndarray:
    """A window (rows, cols, ...) of an array, whose border pixels go on for ever."""
    rows, cols = array.shape[:2]
    row = np.clip(np.arange(window.row, window.row + window.rows), 0, rows - 1)
    col = np.clip(np.arange(window.col, window.col + window.cols), 0, cols - 1)
    return array[row[:, None], col]
