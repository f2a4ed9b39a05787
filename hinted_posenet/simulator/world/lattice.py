"""Lattice: the pixel grid that every raster of a world lies on, and windows of it.

Convention: north up. The centre of pixel (row, col) is at ``x = xmin + (col + 0.5) resolution_m``,
``y = ymax - (row + 0.5) resolution_m``. Windows may reach beyond the lattice.
"""

import math
from typing import NamedTuple, Self


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

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """Where this window lies in an array over ``outer``."""
        top, left = self.row - outer.row, self.col - outer.col
        return slice(top, top + self.rows), slice(left, left + self.cols)


class Lattice(NamedTuple):
    """Pixels of ``resolution_m`` from the north-west corner (xmin, ymax) on."""

    xmin: float
    ymax: float
    resolution_m: float
    rows: int
    cols: int

    @property
    def bounds(self) -> Bounds:
        """Extent of the whole lattice."""
        return self.bounds_of(Window(0, 0, self.rows, self.cols))

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
