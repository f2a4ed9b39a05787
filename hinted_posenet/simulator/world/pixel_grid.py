"""PixelGrid: the pixel grid that every raster of a world lies on, and windows of it.

Convention: north up. The center of pixel (row, col) is at ``x = xmin + (col + 0.5) resolution_m``,
``y = ymax - (row + 0.5) resolution_m``. Windows may reach beyond the pixel grid.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Bounds(NamedTuple):
    """Extent in metres of the ENU frame."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def width_m(self) -> float:
        """Extent from west to east."""
        return self.xmax - self.xmin

    @property
    def height_m(self) -> float:
        """Extent from south to north."""
        return self.ymax - self.ymin

    def contains(self, other: "Bounds") -> bool:
        """Whether ``other`` lies strictly inside."""
        return (
            self.xmin < other.xmin
            and self.ymin < other.ymin
            and self.xmax > other.xmax
            and self.ymax > other.ymax
        )


class Window(NamedTuple):
    """A rectangle of pixels."""

    row: int
    col: int
    rows: int
    cols: int

    def grown(self, margin_px: int) -> Self:
        """With a margin on every side."""
        both = 2 * margin_px
        return self._replace(
            row=self.row - margin_px,
            col=self.col - margin_px,
            rows=self.rows + both,
            cols=self.cols + both,
        )

    def moved(self, rows: int, cols: int) -> Self:
        """Shifted to the south and to the east."""
        return self._replace(row=self.row + rows, col=self.col + cols)

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """Where this window lies in an array over ``outer``."""
        top, left = self.row - outer.row, self.col - outer.col
        return slice(top, top + self.rows), slice(left, left + self.cols)

    def overlap(self, other: "Window") -> "Window":
        """What two windows share; without rows or columns where they do not meet."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        bottom = min(self.row + self.rows, other.row + other.rows)
        right = min(self.col + self.cols, other.col + other.cols)
        return Window(row, col, max(bottom - row, 0), max(right - col, 0))

    def blocks(self, side_px: int) -> Iterator["Window"]:
        """The squares that this window touches, of those that fill the plane from (0, 0), row by row."""
        for row in range(self.row // side_px, -(-(self.row + self.rows) // side_px)):
            for col in range(self.col // side_px, -(-(self.col + self.cols) // side_px)):
                yield Window(row * side_px, col * side_px, side_px, side_px)


class PixelGrid(NamedTuple):
    """Pixels of ``resolution_m`` from the north-west corner (xmin, ymax) on."""

    xmin: float
    ymax: float
    resolution_m: float
    rows: int
    cols: int

    @property
    def window(self) -> Window:
        """All of its pixels."""
        return Window(0, 0, self.rows, self.cols)

    @property
    def bounds(self) -> Bounds:
        """Extent of the whole pixel grid."""
        return self.bounds_of(self.window)

    def part(self, window: Window) -> "PixelGrid":
        """The pixels of a window as a pixel grid of their own."""
        xmin, _, _, ymax = self.bounds_of(window)
        return PixelGrid(xmin, ymax, self.resolution_m, window.rows, window.cols)

    def axes(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """East (cols,) and north (rows,) in metres of the pixel centers of a window."""
        cols = np.arange(window.col, window.col + window.cols, dtype=np.float64) + 0.5
        rows = np.arange(window.row, window.row + window.rows, dtype=np.float64) + 0.5
        return self.xmin + cols * self.resolution_m, self.ymax - rows * self.resolution_m

    def bounds_of(self, window: Window) -> Bounds:
        """Extent of a window."""
        xmin = self.xmin + window.col * self.resolution_m
        ymax = self.ymax - window.row * self.resolution_m
        return Bounds(
            xmin,
            ymax - window.rows * self.resolution_m,
            xmin + window.cols * self.resolution_m,
            ymax,
        )

    def window_of(self, bounds: Bounds, multiple: int = 1) -> Window:
        """The smallest window over ``bounds`` whose edges lie at multiples of ``multiple`` pixels."""
        cell_m = self.resolution_m * multiple
        left = math.floor((bounds.xmin - self.xmin) / cell_m)
        top = math.floor((self.ymax - bounds.ymax) / cell_m)
        right = math.ceil((bounds.xmax - self.xmin) / cell_m)
        bottom = math.ceil((self.ymax - bounds.ymin) / cell_m)
        return Window(
            top * multiple,
            left * multiple,
            max(bottom - top, 1) * multiple,
            max(right - left, 1) * multiple,
        )
