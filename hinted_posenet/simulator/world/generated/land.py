"""Land: the season-free layers of a generated world over one window."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.pixel_grid import PixelGrid, Window
from hinted_posenet.simulator.world.world import Raster, Rgb


class Cover(IntEnum):
    """What the ground is covered with."""

    GRASS = 0
    FIELD = 1
    FOREST = 2  # the floor under the trees
    WATER = 3  # still: freezes
    SHORE = 4
    ROAD = 5
    TRACK = 6
    YARD = 7
    ROOF = 8
    DECIDUOUS = 9  # crowns: what is seen from above in place of the ground
    CONIFER = 10
    RIVER = 11  # flowing: does not freeze
    PAVED = 12  # squares and car parks
    ROCK = 13


class Land(NamedTuple):
    """Layers (rows, cols) over ``window``, one value per pixel area."""

    pixel_grid: PixelGrid
    window: Window
    terrain_m: Raster  # above sea level
    surface_m: Raster  # terrain, buildings and trees
    leafless_m: Raster  # the same without deciduous trees: what casts full shadows in winter
    ground: NDArray[np.uint8]  # Cover codes
    crown: NDArray[np.uint8]  # 0, or the Cover code of the tree above the ground
    crown_tone: Raster  # [0, 1], one value a tree
    parcel_draw: Raster  # [0, 1), one value a parcel; it and the year say what grows there
    parcel_tone: Raster  # [-1, 1], one value a parcel
    furrow: Raster  # [-1, 1], stripes along the parcel
    roof_rgb: Rgb
