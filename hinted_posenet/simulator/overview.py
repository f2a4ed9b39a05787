"""Overview: a world from above, as one small picture."""

import math

import cv2
import numpy as np

from hinted_posenet.simulator.world import Epoch, Window, World
from hinted_posenet.simulator.world.tiles import TILE_PX
from hinted_posenet.simulator.world.world import Rgb

MAP_SIZE_PX = 1024


def overview(world: World, epoch: Epoch) -> Rgb:
    """The world from above, at most 1024 px a side, over exactly its bounds."""
    rows, cols = world.lattice.rows, world.lattice.cols
    longest = max(rows, cols)
    step = 2 ** max(0, math.floor(math.log2(longest / MAP_SIZE_PX)))
    strips = []
    for row in range(0, rows, TILE_PX):  # strip by strip, however vast the world is
        strip = world.photo(Window(row, 0, min(TILE_PX, rows - row), cols), epoch)
        reduced = math.ceil(cols / step), math.ceil(len(strip) / step)
        strips.append(cv2.resize(strip, reduced, interpolation=cv2.INTER_AREA))
    shrink = min(1.0, MAP_SIZE_PX / longest)
    size = max(1, round(cols * shrink)), max(1, round(rows * shrink))
    return np.asarray(cv2.resize(np.vstack(strips), size, interpolation=cv2.INTER_AREA), np.uint8)
