"""World: a georeferenced stack of rasters in a local ENU frame (metres, z up), read by windows.

Every raster is a pure function of the window: the same pixel has the same value whatever window it
is read in and in whatever order. Photo and land cover are made of pixel areas; surface and terrain
of nodes, ``node_px`` pixels apart: node (0, 0) lies on the north-west corner of the window, the
last one on its south-east corner.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.lattice import Bounds, Lattice, Window
from hinted_posenet.types import InputError

Rgb = NDArray[np.uint8]  # (rows, cols, 3)
Raster = NDArray[np.float32]  # (rows, cols)


class Origin(NamedTuple):
    """Where (0, 0, 0) of the ENU frame lies on Earth."""

    longitude_deg: float
    latitude_deg: float


class Epoch(NamedTuple):
    """A moment at which the world can be seen; it changes colours, never geometry."""

    key: str  # unique within its world; flights ask for it by this name, or by its season
    season: str
    date: str  # ISO, YYYY-MM-DD
    solar_hour: float | None = None  # local solar time, where it is known


class World(ABC):
    """What can be flown over.

    Args:
        lattice: pixels of the photo; its bounds are where images may look.
        node_px: pixels between two nodes of surface and terrain.
        epochs: when the world can be seen.
        height_range_m: no surface is lower or higher than this.
        origin: where it lies on Earth.
    """

    def __init__(
        self,
        lattice: Lattice,
        node_px: int,
        epochs: tuple[Epoch, ...],
        height_range_m: tuple[float, float],
        origin: Origin | None = None,
    ) -> None:
        if node_px not in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
            raise InputError(
                f"world: the surface's nodes are {node_px} photo pixels apart; expected a power of "
                "two up to 512, so that tiles meet at nodes"
            )
        self.lattice, self.node_px, self.epochs = lattice, node_px, epochs
        self.height_range_m, self.origin = height_range_m, origin

    @abstractmethod
    def photo(self, window: Window, epoch: Epoch) -> Rgb:
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

    def visibility_m(self, epoch: Epoch) -> float:
        """Meteorological visibility (2 % contrast), for haze; inf where the photo holds the haze already."""
        return math.inf

    @property
    def bounds(self) -> Bounds:
        """Extent in metres."""
        return self.lattice.bounds

    def select(self, when: str) -> list[Epoch]:
        """Epochs that a name means: one key, or every epoch of a season."""
        found = [epoch for epoch in self.epochs if when in (epoch.key, epoch.season)]
        if not found:
            known = ", ".join(f"{epoch.key} ({epoch.season})" for epoch in self.epochs)
            raise InputError(f"when: this world has no epoch or season {when!r}; it has {known}")
        return found

    def terrain_at(self, x_m: float, y_m: float) -> float:
        """Terrain height in metres at a point, bilinear between nodes."""
        return self._height_at(self.terrain, x_m, y_m)

    def surface_at(self, x_m: float, y_m: float) -> float:
        """Surface height in metres at a point, bilinear between nodes."""
        return self._height_at(self.surface, x_m, y_m)

    def _height_at(self, read: Callable[[Window], Raster], x_m: float, y_m: float) -> float:
        window = self.lattice.window_of(Bounds(x_m, y_m, x_m, y_m), self.node_px)
        bounds, ((nw, ne), (sw, se)) = self.lattice.bounds_of(window), read(window).tolist()
        east = (x_m - bounds.xmin) / bounds.width_m
        south = (bounds.ymax - y_m) / bounds.height_m
        north_edge_m = nw * (1 - east) + ne * east
        south_edge_m = sw * (1 - east) + se * east
        return float(north_edge_m * (1 - south) + south_edge_m * south)
