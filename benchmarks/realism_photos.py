"""Comparable worlds: their photos over one extent at one ground pixel, on flat ground."""

from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import Capture, PixelGrid, Window, World
from hinted_posenet.simulator.world.world import ArrayWorld, Rgb

PART_PX = 256  # side of what is read at a time at all dates: a generated world keeps the land of it
FLAT_NODE_PX = 512
SAME_PIXEL = 0.02  # relative difference of two ground pixels that count as the same


class Photos(NamedTuple):
    """The photos of a world at each of its captures, over the same ground."""

    resolution_m: float
    rgb: dict[Capture, Rgb]  # (rows, cols, 3) each
    cover: NDArray[np.uint8] | None  # (rows, cols) codes of `Cover`, where they are known

    def title(self) -> str:
        """Return extent, ground pixel and dates in words."""
        rows, cols = next(iter(self.rgb.values())).shape[:2]
        width_km, height_km = (size * self.resolution_m / 1000 for size in (cols, rows))
        dates = ", ".join(capture.date for capture in self.rgb)
        return f"{width_km:.2f} x {height_km:.2f} km at {self.resolution_m:.2f} m, {dates}"

    def pairs(self) -> list[tuple[Capture, Capture]]:
        """Return all pairs of captures."""
        return list(combinations(self.rgb, 2))

    def world(self) -> World:
        """Return the photos as a flat world whose captures have the keys 0, 1, ..., and no season's name."""
        rows, cols = next(iter(self.rgb.values())).shape[:2]
        res = self.resolution_m
        pixel_grid = PixelGrid(-0.5 * cols * res, 0.5 * rows * res, res, rows, cols)
        numbered = {
            capture._replace(key=str(number)): rgb
            for number, (capture, rgb) in enumerate(self.rgb.items())
        }
        return ArrayWorld(pixel_grid, numbered, np.zeros((2, 2), np.float32), FLAT_NODE_PX)


def photos_of(world: World, like: PixelGrid) -> Photos:
    """Average the center of a world to as many pixels of about the same size as ``like`` has.

    Raises:
        InputError: the world is too small, or its pixels do not make up such pixels.
    """
    _, _, resolution_m, rows, cols = like
    factor = max(1, round(resolution_m / world.pixel_grid.resolution_m))
    pixel_m = factor * world.pixel_grid.resolution_m
    if abs(pixel_m / resolution_m - 1) > SAME_PIXEL:
        raise InputError(
            f"world.resolution_m={world.pixel_grid.resolution_m:g}: no whole number of its pixels makes "
            f"one of {resolution_m:g} m; set it to {resolution_m:g} m divided by a whole number"
        )
    top = (world.pixel_grid.rows - rows * factor) // 2
    left = (world.pixel_grid.cols - cols * factor) // 2
    if top < 0 or left < 0:
        raise InputError(
            f"world: is {world.bounds.width_m:.0f} x {world.bounds.height_m:.0f} m, expected at least "
            f"{cols * pixel_m:.0f} x {rows * pixel_m:.0f} m to compare the same extent; enlarge it"
        )
    whole = Window(0, 0, rows, cols)
    rgb = {capture: np.empty((rows, cols, 3), np.uint8) for capture in world.captures}
    covers: NDArray[np.uint8] | None = np.empty((rows, cols), np.uint8)
    for part in (square.overlap(whole) for square in whole.blocks(PART_PX)):
        place, size = part.within(whole), (part.cols, part.rows)
        fine = Window(*(factor * number for number in part))
        fine = fine.moved(top, left)
        for capture, photo in rgb.items():
            photo[place] = cv2.resize(
                world.photo(fine, capture), size, interpolation=cv2.INTER_AREA
            )
        cover = world.cover(fine)
        if covers is None or cover is None:
            covers = None
        else:  # in the middle of every pixel
            covers[place] = cover[factor // 2 :: factor, factor // 2 :: factor]
    return Photos(pixel_m, rgb, covers)
