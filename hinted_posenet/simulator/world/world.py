"""World: a georeferenced stack of rasters in a local ENU frame (metres, z up), read by windows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window

Rgb = NDArray[np.uint8]  # (rows, cols, 3)
Raster = NDArray[np.float32]  # (rows, cols)
NORTHERN_SEASONS = ("winter", "spring", "summer", "autumn")  # three months each, from December on


class Capture(NamedTuple):
    """A moment at which the world can be seen; captures differ in colours, never in geometry."""

    key: str  # unique within its world; flights ask for it by this name, or by its season
    season: str
    date: str  # ISO, YYYY-MM-DD
    solar_hour: float | None = None  # local solar time, where it is known


def season_of(date: str, latitude_deg: float = 90.0) -> str:
    """Return the season of an ISO date by its month; the southern hemisphere is half a year behind."""
    month = int(date[5:7]) + (6 if latitude_deg < 0 else 0)
    return NORTHERN_SEASONS[month % 12 // 3]


class Cover(IntEnum):
    """Land cover."""

    GRASS = 0
    FIELD = 1
    FOREST = 2  # the floor under the trees
    WATER = 3  # still: freezes
    SHORE = 4
    ROAD = 5
    TRACK = 6
    YARD = 7
    ROOF = 8
    DECIDUOUS = 9  # crowns, which hide the ground from above
    CONIFER = 10
    RIVER = 11  # flowing: does not freeze
    PAVED = 12  # squares and car parks
    ROCK = 13


class World(ABC):
    """What can be flown over.

    Args:
        pixel_grid: pixels of the photo; its bounds are where images may look.
        node_px: pixels between two nodes of surface and terrain.
        captures: when the world can be seen.
        height_range_m: no surface is lower or higher than this.
        origin: where it lies on Earth.
    """

    when_keys = "flights.NAME.when"  # for errors: the settings that name captures

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
        """Return the orthophoto (rows, cols, 3) with light and shadows."""

    @abstractmethod
    def surface(self, window: Window) -> Raster:
        """Return the DSM, with buildings and trees: nodes (rows / node_px + 1, cols / node_px + 1).

        The window's edges lie at multiples of node_px.
        """

    @abstractmethod
    def terrain(self, window: Window) -> Raster:
        """Return the DTM on the same nodes as `surface`."""

    def cover(self, window: Window) -> NDArray[np.uint8] | None:
        """Return the land cover (rows, cols) as codes of `Cover`; None where it is unknown."""
        return None

    def visibility_m(self, capture: Capture) -> float:
        """Return the meteorological visibility (2 % contrast), for haze; inf where the photo has haze."""
        return math.inf

    @property
    def bounds(self) -> Bounds:
        """Extent in metres."""
        return self.pixel_grid.bounds

    def select(self, when: str) -> list[Capture]:
        """Return the captures that a name selects: one by its key, or all of a season."""
        found = [capture for capture in self.captures if when in (capture.key, capture.season)]
        if not found:
            known = ", ".join(f"{capture.key} ({capture.season})" for capture in self.captures)
            raise InputError(
                f"when: this world has no capture or season {when!r}; it has {known}; "
                f"name these in {self.when_keys}"
            )
        return found

    def select_all(self, names: Iterable[str]) -> list[Capture]:
        """Return the captures that several names select, each once."""
        return list(dict.fromkeys(capture for when in names for capture in self.select(str(when))))

    def terrain_at(self, x_m: float, y_m: float) -> float:
        """Return the terrain height in metres at a point, bilinear between nodes."""
        return self._height_at(self.terrain, x_m, y_m)

    def surface_at(self, x_m: float, y_m: float) -> float:
        """Return the surface height in metres at a point, bilinear between nodes."""
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
    """A world of one photo (rows, cols, 3) per capture and one surface.

    Args:
        pixel_grid: its rows and cols are multiples of node_px.
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
        """See `World`; it equals the surface."""
        return self.surface(window)


def cut(array: np.ndarray, window: Window) -> np.ndarray:
    """Return a window (rows, cols, ...) of an array; beyond the array, its border pixels are repeated."""
    rows, cols = array.shape[:2]
    row = np.clip(np.arange(window.row, window.row + window.rows), 0, rows - 1)
    col = np.clip(np.arange(window.col, window.col + window.cols), 0, cols - 1)
    return array[row[:, None], col]
