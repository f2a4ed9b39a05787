"""Worlds on the same footing: their photos over one extent at one ground pixel, on flat ground."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Epoch, Lattice, Window, World
from hinted_posenet.simulator.world.array import ArrayWorld
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import InputError

STRIP_ROWS = 128  # rows of the result that are read at a time, however fine the world is
FLAT_NODE_PX = 512
SAME_PIXEL = 0.02  # relative difference of two ground pixels that count as the same


class Photos(NamedTuple):
    """What a world shows at each of its epochs, over the same ground."""

    resolution_m: float
    rgb: dict[Epoch, Rgb]  # (rows, cols, 3) each
    cover: NDArray[np.uint8] | None  # (rows, cols) codes of `Cover`, where they are known

    def title(self) -> str:
        """What is compared, in words."""
        rows, cols = next(iter(self.rgb.values())).shape[:2]
        width_km, height_km = (size * self.resolution_m / 1000 for size in (cols, rows))
        dates = ", ".join(epoch.date for epoch in self.rgb)
        return f"{width_km:.2f} x {height_km:.2f} km at {self.resolution_m:.2f} m, {dates}"

    def pairs(self) -> list[tuple[Epoch, Epoch]]:
        """Every two epochs."""
        return list(combinations(self.rgb, 2))

    def world(self) -> World:
        """The photos as a flat world; its epochs have the keys 0, 1, ..., so that none is a season's name."""
        rows, cols = next(iter(self.rgb.values())).shape[:2]
        res = self.resolution_m
        lattice = Lattice(-0.5 * cols * res, 0.5 * rows * res, res, rows, cols)
        numbered = {
            epoch._replace(key=str(number)): rgb
            for number, (epoch, rgb) in enumerate(self.rgb.items())
        }
        return ArrayWorld(lattice, numbered, np.zeros((2, 2), np.float32), FLAT_NODE_PX)


def photos_of(world: World, like: Lattice) -> Photos:
    """The middle of a world, averaged to as many pixels of about the same size as ``like`` has.

    Raises:
        InputError: the world is too small, or its pixels do not make up such pixels.
    """
    _, _, resolution_m, rows, cols = like
    factor = max(1, round(resolution_m / world.lattice.resolution_m))
    pixel_m = factor * world.lattice.resolution_m
    if abs(pixel_m / resolution_m - 1) > SAME_PIXEL:
        raise InputError(
            f"world.resolution_m={world.lattice.resolution_m:g}: no whole number of its pixels makes "
            f"one of {resolution_m:g} m; set it to {resolution_m:g} m divided by a whole number"
        )
    top = (world.lattice.rows - rows * factor) // 2
    left = (world.lattice.cols - cols * factor) // 2
    if top < 0 or left < 0:
        raise InputError(
            f"world: is {world.bounds.width_m:.0f} x {world.bounds.height_m:.0f} m, expected at least "
            f"{cols * pixel_m:.0f} x {rows * pixel_m:.0f} m to compare the same extent; enlarge it"
        )
    window = Window(top, left, rows * factor, cols * factor)
    rgb = {epoch: _reduced(world, epoch, window, factor) for epoch in world.epochs}
    return Photos(pixel_m, rgb, _cover(world, window, factor))


def _reduced(world: World, epoch: Epoch, window: Window, factor: int) -> Rgb:
    strips = []
    for part in _strips(window, factor):
        strip = world.photo(part, epoch)
        size = part.cols // factor, part.rows // factor
        strips.append(cv2.resize(strip, size, interpolation=cv2.INTER_AREA))
    return np.asarray(np.vstack(strips), np.uint8)


def _cover(world: World, window: Window, factor: int) -> NDArray[np.uint8] | None:
    """Land cover in the middle of every pixel."""
    strips = []
    for part in _strips(window, factor):
        cover = world.cover(part)
        if cover is None:
            return None
        strips.append(cover[factor // 2 :: factor, factor // 2 :: factor])
    return np.vstack(strips)


def _strips(window: Window, factor: int) -> Iterator[Window]:
    step, last = STRIP_ROWS * factor, window.row + window.rows
    for row in range(window.row, last, step):
        yield window._replace(row=row, rows=min(step, last - row))
