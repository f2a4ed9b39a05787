"""World: a georeferenced stack of rasters in a local ENU frame (metres, z up).

Convention: rasters have north up. Orthophotos and land cover are made of pixel areas: the centre
of pixel (row, col) is at ``x = xmin + (col + 0.5) res, y = ymax - (row + 0.5) res``. The surface
height is made of nodes: node (0, 0) is at (xmin, ymax), the last one at (xmax, ymin), so 2 x 2
nodes are flat ground.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.types import InputError

Rgb = NDArray[np.uint8]  # (rows, cols, 3)
Raster = NDArray[np.float32]  # (rows, cols)


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


class Origin(NamedTuple):
    """Where (0, 0, 0) of the ENU frame lies on Earth."""

    longitude_deg: float
    latitude_deg: float


class Epoch(NamedTuple):
    """A moment at which the world can be seen; it changes colours, never geometry."""

    key: str  # unique within its world; flights ask for it by this name, or by its season
    season: str
    date: str  # ISO, YYYY-MM-DD


@dataclass(frozen=True)
class World:
    """What can be flown over."""

    bounds: Bounds
    surface_m: Raster  # (rows, cols) node heights, buildings and trees included
    epochs: tuple[Epoch, ...]
    orthophoto: Callable[[Epoch], Rgb]  # (rows, cols, 3) over exactly `bounds`
    land_cover: NDArray[np.uint8] | None = None  # (rows, cols) Cover codes on the orthophoto's grid
    origin: Origin | None = None

    def select(self, when: str) -> list[Epoch]:
        """Epochs that a name means: one key, or every epoch of a season."""
        found = [epoch for epoch in self.epochs if when in (epoch.key, epoch.season)]
        if not found:
            known = ", ".join(f"{epoch.key} ({epoch.season})" for epoch in self.epochs)
            raise InputError(f"when: this world has no epoch or season {when!r}; it has {known}")
        return found

    def surface_at(self, x_m: float, y_m: float) -> float:
        """Surface height in metres at a point of the bounds, bilinear between nodes."""
        rows, cols = self.surface_m.shape
        col = (x_m - self.bounds.xmin) / self.bounds.width_m * (cols - 1)
        row = (self.bounds.ymax - y_m) / self.bounds.height_m * (rows - 1)
        j, i = min(max(int(col), 0), cols - 2), min(max(int(row), 0), rows - 2)
        east, south = col - j, row - i
        z = self.surface_m[i : i + 2, j : j + 2].astype(np.float64)
        north_edge = z[0, 0] * (1 - east) + z[0, 1] * east
        south_edge = z[1, 0] * (1 - east) + z[1, 1] * east
        return float(north_edge * (1 - south) + south_edge * south)
