"""Erosion: the drainage of a grid of heights, and the branching valleys that it carves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from hinted_posenet.simulator.world import Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform

Grid = NDArray[np.float64]  # (rows, cols)
Mask = NDArray[np.bool_]  # (rows, cols)
Cells = NDArray[np.int64]  # flat indices

STEEPEST = 1e-6  # weight of slope among edges of equal height; small against differences of height
LEVELS = ((8, 24), (4, 10), (2, 5), (1, 3))  # (width of a cell in cells of the result, steps)
STREAM_POWER = 0.10  # of one step
UPLIFT = 0.03  # of one step where hills rise most; initial heights are about 1
ROUGHNESS = 0.02  # of the land on which streams find their course
CREEP = 0.7  # cells over which soil moves downhill in one step
ROUNDING = 1.2  # cells over which the finest ridges are rounded


class Drainage(NamedTuple):
    """Cells in the order of their steps to the outlet; all but the first have a receiver."""

    order: Cells  # flat cell indices; order[0] is no cell, but stands for all beyond the outlets
    receiver: Cells  # position in `order` of the next cell downstream; 0 at outlets
    step: NDArray[np.float64]  # cells to the receiver: 1 or sqrt 2
    levels: list[slice]  # positions with the same number of steps to the outlets, which come first

    def collect(self, rain: Grid) -> Grid:
        """Sum ``rain`` over all cells that drain through each cell, itself included."""
        total = np.append(rain.ravel(), 0.0)[self.order]
        for level in reversed(self.levels[1:]):
            into = self.receiver[level]
            flow = np.bincount(into - into[0], weights=total[level])
            total[into[0] : into[-1] + 1] += flow
        return self.spread(total, rain.shape)

    def erode(self, height: Grid, speed: Grid) -> Grid:
        """Apply one implicit step of the stream power law (Braun and Willett 2013), linear in slope."""
        z = np.append(height.ravel(), 0.0)[self.order]
        factor = np.append(speed.ravel(), 0.0)[self.order] / self.step
        for level in self.levels[1:]:
            z[level] = (z[level] + factor[level] * z[self.receiver[level]]) / (1 + factor[level])
        return self.spread(z, height.shape)

    def fill(self, height: Grid, fall: float) -> Grid:
        """Return the lowest surface over ``height`` that falls by ``fall`` a step towards the outlets."""
        z = np.append(height.ravel(), 0.0)[self.order]
        for level in self.levels[1:]:
            z[level] = np.maximum(z[level], z[self.receiver[level]] + fall * self.step[level])
        return self.spread(z, height.shape)

    def downstream(self) -> Cells:
        """Return the next cell downstream of every cell; -1 at outlets."""
        following = np.full(len(self.order) - 1, -1)
        inner = slice(self.levels[0].stop, None)
        following[self.order[inner]] = self.order[self.receiver[inner]]
        return following

    def spread(self, values: NDArray[np.float64], shape: tuple[int, ...]) -> Grid:
        """Arrange values in the order of the drainage on the grid again."""
        grid = np.empty(len(values))
        grid[self.order] = values
        return grid[:-1].reshape(shape)


def drain(height: Grid, outlets: Mask) -> Drainage:
    """Compute the drainage of a grid whose water leaves at ``outlets``."""
    rows, cols = height.shape
    cell = np.arange(rows * cols).reshape(rows, cols)
    z = (height - height.min() + 1.0).ravel()  # positive: a sparse graph has no edge of weight 0
    beyond = rows * cols
    pairs = [
        (cell[:, :-1], cell[:, 1:], 1.0),
        (cell[:-1], cell[1:], 1.0),
        (cell[:-1, :-1], cell[1:, 1:], np.sqrt(2.0)),
        (cell[:-1, 1:], cell[1:, :-1], np.sqrt(2.0)),
    ]
    tails, heads, weights = [cell[outlets]], [np.full(outlets.sum(), beyond)], [z[outlets.ravel()]]
    for one, other, length in pairs:
        a, b = one.ravel(), other.ravel()
        tails.append(a)
        heads.append(b)
        weights.append(np.maximum(z[a], z[b]) - STEEPEST * np.abs(z[a] - z[b]) / length)
    edges = coo_matrix(
        (np.concatenate(weights), (np.concatenate(tails), np.concatenate(heads))),
        shape=(beyond + 1, beyond + 1),
    )
    tree = minimum_spanning_tree(edges.tocsr(), overwrite=True)
    order, parent = breadth_first_order(tree, beyond, directed=False)
    order = order.astype(np.int64)
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    receiver = np.append(0, position[parent[order[1:]]])
    levels, start, stop = [], 1, int(np.searchsorted(receiver, 1))
    while start < len(order):
        levels.append(slice(start, stop))
        start, stop = stop, int(np.searchsorted(receiver, stop))
    diagonal = np.abs(order - order[receiver]) % cols
    step = np.where((diagonal == 0) | (np.abs(order - order[receiver]) == 1), 1.0, np.sqrt(2.0))
    return Drainage(order, receiver, step, levels)


class Basin(NamedTuple):
    """Land before erosion, cells of (rows, cols)."""

    height: Grid
    uplift: Grid  # [0, 1]
    outlets: Mask  # one side of the grid, where all water leaves
    rain: Grid  # cells of water; one cell of the far side brings a river from outside


def make_basin(shape: tuple[int, int], cell: int, seed: int) -> Basin:
    """Make rolling land, inclined to one side, with a broad valley through its middle.

    ``shape`` is that of the finest grid; ``cell`` is the width of a cell of the result in its cells.
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
    """Return eroded heights (rows, cols) without unit, and the basin that they were made in."""
    first = LEVELS[0][0]
    height = make_basin(shape, first, seed).height
    for cell, steps in LEVELS:
        basin = make_basin(shape, cell, seed)
        ratio = np.divide(basin.height.shape, height.shape)
        height = zoom(height, ratio, order=1, mode="nearest", grid_mode=True)
        window = Window(0, 0, *height.shape)
        for step in range(steps):
            # streams wander: straight ones along the axes of the grid would look artificial
            rough = stream(seed, f"rough {cell} {step}")
            wandering = height + ROUGHNESS * fractal_noise(window, 8.0, rough, octaves=3)
            drainage = drain(wandering, basin.outlets)
            speed = STREAM_POWER * np.sqrt(drainage.collect(basin.rain))
            risen = np.where(basin.outlets, height, height + UPLIFT * basin.uplift)
            height = gaussian_filter(drainage.erode(risen, speed), CREEP, mode="nearest")
    return gaussian_filter(height, ROUNDING, mode="nearest"), basin
