"""Ground maps of a simulator's world: the engine's level, since models know nothing of worlds."""

import numpy as np
import torch

from hinted_posenet.model.ground_map import GroundMap
from hinted_posenet.simulator.world import Window, World
from hinted_posenet.types import InputError


def map_of_world(world: World, dates: list[str]) -> GroundMap:
    """Photos of a world's dates, in that order.

    Args:
        world: level, as one without an elevation model is.
        dates: keys of its epochs.
    """
    low_m, high_m = world.height_range_m
    if low_m != high_m:
        raise InputError(
            f"ground map: the world's ground is from {low_m:g} to {high_m:g} m high; level ground is needed"
        )
    epochs = {epoch.key: epoch for epoch in world.epochs}
    missing = [date for date in dates if date not in epochs]
    if missing:
        raise InputError(
            f"ground map: no photo of {', '.join(missing)}; there are {', '.join(epochs)}"
        )
    lattice = world.lattice
    whole = Window(0, 0, lattice.rows, lattice.cols)
    photos = np.stack([world.photo(whole, epochs[date]) for date in dates])
    xmin, ymax, size_m = lattice.xmin, lattice.ymax, lattice.resolution_m
    bounds_m = (xmin, ymax - lattice.rows * size_m, xmin + lattice.cols * size_m, ymax)
    return GroundMap(torch.from_numpy(photos).permute(0, 3, 1, 2).contiguous(), bounds_m, low_m)
