"""The pixel grid that every raster of a world lies on, and windows of it.

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

    @classmethod
    def around(cls, x_m: float, y_m: float, reach_m: float) -> Self:
        """Return the square around a point, ``2 reach_m`` a side."""
        return cls(x_m - reach_m, y_m - reach_m, x_m + reach_m, y_m + reach_m)

    @property
    def width_m(self) -> float:
        """Extent from west to east."""
        return self.xmax - self.xmin

    @property
    def height_m(self) -> float:
        """Extent from south to north."""
        return self.ymax - self.ymin

    @property
    def size(self) -> str:
        """Width x height for people: 400 x 300 m, 4.0 x 3.0 km."""
        if max(self.width_m, self.height_m) < 1000:
            return f"{self.width_m:.0f} x {self.height_m:.0f} m"
        return f"{self.width_m / 1000:.1f} x {self.height_m / 1000:.1f} km"

    @property
    def center_m(self) -> tuple[float, float]:
        """East and north of the middle."""
        return (self.xmin + self.xmax) / 2, (self.ymin + self.ymax) / 2

    def contains(self, other: "Bounds") -> bool:
        """Return whether ``other`` lies strictly inside."""
        across = self.xmin < other.xmin and other.xmax < self.xmax
        return across and self.ymin < other.ymin and other.ymax < self.ymax


class Window(NamedTuple):
    """A rectangle of pixels."""

    row: int
    col: int
    rows: int
    cols: int

    def grown(self, margin_px: int) -> Self:
        """Return the window with a margin added on every side."""
        row, col, rows, cols = self
        both_px = 2 * margin_px
        return type(self)(row - margin_px, col - margin_px, rows + both_px, cols + both_px)

    def moved(self, rows: int, cols: int) -> Self:
        """Return the window shifted to the south and to the east."""
        return self._replace(row=self.row + rows, col=self.col + cols)

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """Return the slices of this window in an array over ``outer``."""
        top, left = self.row - outer.row, self.col - outer.col
        return slice(top, top + self.rows), slice(left, left + self.cols)

    def overlap(self, other: "Window") -> "Window":
        """Return the intersection of two windows; it has no rows or columns where they do not meet."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        bottom = min(self.row + self.rows, other.row + other.rows)
        right = min(self.col + self.cols, other.col + other.cols)
        return Window(row, col, max(bottom - row, 0), max(right - col, 0))

    def blocks(self, side_px: int) -> Iterator["Window"]:
        """Yield the squares of a tiling from (0, 0) that this window touches, row by row."""
        for row in range(self.row // side_px, -(-(self.row + self.rows) // side_px)):
            for col in range(self.col // side_px, -(-(self.col + self.cols) // side_px)):
                yield Window(row * side_px, col * side_px, side_px, side_px)


class PixelGrid(NamedTuple):
    """Pixels of ``resolution_m`` from the north-west corner (xmin, ymax) onwards."""

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
        """Return the pixels of a window as a pixel grid of their own."""
        xmin, _, _, ymax = self.bounds_of(window)
        return PixelGrid(xmin, ymax, self.resolution_m, window.rows, window.cols)

    def axes(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return east (cols,) and north (rows,) in metres of the pixel centers of a window."""
        cols = np.arange(window.col, window.col + window.cols, dtype=np.float64) + 0.5
        rows = np.arange(window.row, window.row + window.rows, dtype=np.float64) + 0.5
        return self.xmin + cols * self.resolution_m, self.ymax - rows * self.resolution_m

    def bounds_of(self, window: Window) -> Bounds:
        """Return the extent of a window."""
        xmin = self.xmin + window.col * self.resolution_m
        ymax = self.ymax - window.row * self.resolution_m
        width_m, height_m = window.cols * self.resolution_m, window.rows * self.resolution_m
        return Bounds(xmin, ymax - height_m, xmin + width_m, ymax)

    def place_of(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return row and column of a point, in fractional pixels from the north-west corner."""
        return (self.ymax - y_m) / self.resolution_m, (x_m - self.xmin) / self.resolution_m

    def window_of(self, bounds: Bounds, multiple: int = 1) -> Window:
        """Return the smallest window over ``bounds`` whose edges lie at multiples of ``multiple`` pixels."""
        cell_m = self.resolution_m * multiple
        left = math.floor((bounds.xmin - self.xmin) / cell_m)
        top = math.floor((self.ymax - bounds.ymax) / cell_m)
        right = math.ceil((bounds.xmax - self.xmin) / cell_m)
        bottom = math.ceil((self.ymax - bounds.ymin) / cell_m)
        rows, cols = max(bottom - top, 1), max(right - left, 1)
        return Window(top * multiple, left * multiple, rows * multiple, cols * multiple)
