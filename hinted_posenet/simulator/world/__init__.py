"""Worlds: georeferenced rasters made from a seed or read from orthophotos."""

from hinted_posenet.simulator.world.world import Bounds, Epoch, Origin, World

__all__ = ["Bounds", "Epoch", "Origin", "World"]
