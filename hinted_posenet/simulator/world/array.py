"""A world whose rasters are arrays in memory; beyond its borders it continues as its last pixels."""

from collections.abc import Mapping

import cv2
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
        return np.asarray(cut(self._photos[epoch], window), np.uint8)

    def surface(self, window: Window) -> Raster:
        """See `World`."""
        row, col, rows, cols = (edge // self.node_px for edge in window)
        return np.asarray(cut(self._surface_m, Window(row, col, rows + 1, cols + 1)), np.float32)

    def terrain(self, window: Window) -> Raster:
        """See `World`; nothing stands on it."""
        return self.surface(window)


def cut(array: np.ndarray, window: Window) -> np.ndarray:
    """A window (rows, cols, ...) of an array, whose border pixels go on for ever."""
    rows, cols = array.shape[:2]
    top, left = min(max(window.row, 0), rows - 1), min(max(window.col, 0), cols - 1)
    bottom = max(min(window.row + window.rows, rows), top + 1)
    right = max(min(window.col + window.cols, cols), left + 1)
    above, before = max(top - window.row, 0), max(left - window.col, 0)
    padded = cv2.copyMakeBorder(
        array[top:bottom, left:right],
        above,
        max(window.rows - above - (bottom - top), 0),
        before,
        max(window.cols - before - (right - left), 0),
        cv2.BORDER_REPLICATE,
    )
    return padded[: window.rows, : window.cols]
