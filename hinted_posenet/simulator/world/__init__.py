"""Worlds: georeferenced rasters made from a seed or read from orthophotos."""

from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window
from hinted_posenet.simulator.world.world import Capture, Origin, World

__all__ = ["Bounds", "Capture", "Origin", "PixelGrid", "Window", "World"]
