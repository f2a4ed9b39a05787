"""Erosion: large-scale heights with branching valleys and ridges between them.

Everything is in units of cells: with the square root of the drained area, the stream power law has
no scale of its own, so a coarse grid is eroded first and refined while the streams go on cutting.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from hinted_posenet.simulator.world.generated.drainage import Grid, Mask, drain
from hinted_posenet.simulator.world.lattice import Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform

LEVELS = ((8, 24), (4, 10), (2, 5), (1, 3))  # (width of a cell in cells of the result, steps)
STREAM_POWER = 0.10  # of one step
UPLIFT = 0.03  # of one step where hills rise most; the land begins with heights of about 1
ROUGHNESS = 0.02  # of the land that streams find their way on
CREEP = 0.7  # cells over which soil moves downhill in one step
ROUNDING = 1.2  # cells; of the finest ridges


class Basin(NamedTuple):
    """Land before erosion, cells of (rows, cols)."""

    height: Grid
    uplift: Grid  # [0, 1]
    outlets: Mask  # one side of the grid; all water leaves there
    rain: Grid  # cells of water; one cell of the far side brings a river from outside


def make_basin(shape: tuple[int, int], cell: int, seed: int) -> Basin:
    """Rolling land, inclined to one side, with a broad valley through its middle.

    Args:
        shape: (rows, cols) of the finest grid.
        cell: width of a cell of the result in cells of that grid.
        seed: of the world.
    """
    rows, cols = (max(round(n / cell), 2) for n in shape)
    window = Window(0, 0, rows, cols)
    wide = max(shape) / cell  # in cells
    down = (np.arange(rows) + 0.5)[:, None] / rows + np.zeros((1, cols))
    right = (np.arange(cols) + 0.5)[None, :] / cols + np.zeros((rows, 1))
    side = int(4 * uniform(stream(seed, "side"), 0))
    along, across = ((down, right), (right, down), (1 - down, right), (1 - right, down))[side]
    rolling = fractal_noise(window, wide / 4, stream(seed, "rolling"), octaves=6)
    bend = fractal_noise(window, wide / 3, stream(seed, "bend"), octaves=2)
    valley = np.exp(-(((across - 0.5 - 0.06 * bend) / 0.16) ** 2))
    height = 0.35 * rolling - 1.6 * along - 0.9 * valley
    rise = fractal_noise(window, wide / 3, stream(seed, "rise"), octaves=3)
    uplift = np.clip(0.55 + 0.45 * rise - 0.5 * valley, 0.03, 1.0)
    outlets = along >= along.max() - 1e-9
    source = np.where(along <= along.min() + 1e-9, height, np.inf).argmin()
    rain = np.ones((rows, cols))
    rain.flat[source] = rows * cols
    return Basin(height, uplift, outlets, rain)


def erode(shape: tuple[int, int], seed: int) -> tuple[Grid, Basin]:
    """Eroded heights (rows, cols) of no unit, and the basin that they were made in."""
    first = LEVELS[0][0]
    height = make_basin(shape, first, seed).height
    for cell, steps in LEVELS:
        basin = make_basin(shape, cell, seed)
        ratio = [
            fine / coarse for fine, coarse in zip(basin.height.shape, height.shape, strict=True)
        ]
        height = zoom(height, ratio, order=1, mode="nearest", grid_mode=True)
        window = Window(0, 0, *height.shape)
        for step in range(steps):
            # streams wander: straight ones along the axes of the grid would look made
            rough = stream(seed, f"rough {cell} {step}")
            wandering = height + ROUGHNESS * fractal_noise(window, 8.0, rough, octaves=3)
            drainage = drain(wandering, basin.outlets)
            speed = STREAM_POWER * np.sqrt(drainage.collect(basin.rain))
            risen = np.where(basin.outlets, height, height + UPLIFT * basin.uplift)
            height = gaussian_filter(drainage.erode(risen, speed), CREEP, mode="nearest")
    return gaussian_filter(height, ROUNDING, mode="nearest"), basin
