"""World: a georeferenced stack of rasters in a local ENU frame (metres, z up), read by windows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window

Rgb = NDArray[np.uint8]  # (rows, cols, 3)
Raster = NDArray[np.float32]  # (rows, cols)


class Origin(NamedTuple):
    """Where (0, 0, 0) of the ENU frame lies on Earth."""

    longitude_deg: float
    latitude_deg: float


class Capture(NamedTuple):
    """A moment at which the world can be seen; it changes colours, never geometry."""

    key: str  # unique within its world; flights ask for it by this name, or by its season
    season: str
    date: str  # ISO, YYYY-MM-DD
    solar_hour: float | None = None  # local solar time, where it is known


class World(ABC):
    """What can be flown over.

    Args:
        pixel grid: pixels of the photo; its bounds are where images may look.
        node_px: pixels between two nodes of surface and terrain.
        captures: when the world can be seen.
        height_range_m: no surface is lower or higher than this.
        origin: where it lies on Earth.
    """

    def __init__(
        self,
        pixel_grid: PixelGrid,
        node_px: int,
        captures: tuple[Capture, ...],
        height_range_m: tuple[float, float],
        origin: Origin | None = None,
    ) -> None:
        if node_px not in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
            raise InputError(
                f"world: the surface's nodes are {node_px} photo pixels apart; expected a power of "
                "two up to 512, so that tiles meet at nodes"
            )
        self.pixel_grid, self.node_px, self.captures = pixel_grid, node_px, captures
        self.height_range_m, self.origin = height_range_m, origin

    @abstractmethod
    def photo(self, window: Window, capture: Capture) -> Rgb:
        """Orthophoto (rows, cols, 3) with light and shadows."""

    @abstractmethod
    def surface(self, window: Window) -> Raster:
        """DSM, buildings and trees included: nodes (rows / node_px + 1, cols / node_px + 1).

        The window's edges lie at multiples of node_px.
        """

    @abstractmethod
    def terrain(self, window: Window) -> Raster:
        """DTM on the same nodes as `surface`."""

    def cover(self, window: Window) -> NDArray[np.uint8] | None:
        """Land cover (rows, cols) as codes of `Cover`, where it is known."""
        return None

    def visibility_m(self, capture: Capture) -> float:
        """Meteorological visibility (2 % contrast), for haze; inf where the photo holds the haze already."""
        return math.inf

    @property
    def bounds(self) -> Bounds:
        """Extent in metres."""
        return self.pixel_grid.bounds

    def select(self, when: str) -> list[Capture]:
        """Epochs that a name means: one key, or every capture of a season."""
        found = [capture for capture in self.captures if when in (capture.key, capture.season)]
        if not found:
            known = ", ".join(f"{capture.key} ({capture.season})" for capture in self.captures)
            raise InputError(f"when: this world has no epoch or season {when!r}; it has {known}")
        return found

    def terrain_at(self, x_m: float, y_m: float) -> float:
        """Terrain height in metres at a point, bilinear between nodes."""
        return self._height_at(self.terrain, x_m, y_m)

    def surface_at(self, x_m: float, y_m: float) -> float:
        """Surface height in metres at a point, bilinear between nodes."""
        return self._height_at(self.surface, x_m, y_m)

    def _height_at(self, read: Callable[[Window], Raster], x_m: float, y_m: float) -> float:
        window = self.pixel_grid.window_of(Bounds(x_m, y_m, x_m, y_m), self.node_px)
        bounds, ((nw, ne), (sw, se)) = self.pixel_grid.bounds_of(window), read(window).tolist()
        east = (x_m - bounds.xmin) / bounds.width_m
        south = (bounds.ymax - y_m) / bounds.height_m
        north_edge_m = nw * (1 - east) + ne * east
        south_edge_m = sw * (1 - east) + se * east
        return float(north_edge_m * (1 - south) + south_edge_m * south)


class ArrayWorld(World):
    """World from one photo per capture and one surface.

    Args:
        pixel grid: its rows and cols are those of the photos, multiples of node_px.
        photos: capture -> (rows, cols, 3).
        surface_m: nodes (rows / node_px + 1, cols / node_px + 1).
        node_px: pixels between two nodes.
        origin: where it lies on Earth.
    """

    def __init__(
        self,
        pixel_grid: PixelGrid,
        photos: Mapping[Capture, Rgb],
        surface_m: Raster,
        node_px: int,
        origin: Origin | None = None,
    ) -> None:
        heights = float(surface_m.min()), float(surface_m.max())
        super().__init__(pixel_grid, node_px, tuple(photos), heights, origin)
        self._photos, self._surface_m = dict(photos), surface_m

    def photo(self, window: Window, capture: Capture) -> Rgb:
        """See `World`."""
        return cut(self._photos[capture], window)

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
