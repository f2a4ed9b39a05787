"""Worlds: georeferenced rasters made from a seed or read from orthophotos."""

from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window
from hinted_posenet.simulator.world.world import (
    ArrayWorld,
    Capture,
    Cover,
    Raster,
    Rgb,
    World,
    season_of,
)

__all__ = [
    "ArrayWorld",
    "Bounds",
    "Capture",
    "Cover",
    "PixelGrid",
    "Raster",
    "Rgb",
    "Window",
    "World",
    "season_of",
]
