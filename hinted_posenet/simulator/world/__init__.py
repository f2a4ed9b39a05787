"""Worlds: georeferenced rasters made from a seed or read from orthophotos."""

from hinted_posenet.simulator.world.lattice import Bounds, Lattice, Window
from hinted_posenet.simulator.world.world import Epoch, Origin, World

__all__ = ["Bounds", "Epoch", "Lattice", "Origin", "Window", "World"]
