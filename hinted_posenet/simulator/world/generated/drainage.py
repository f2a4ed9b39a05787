"""Drainage: which cell of a grid of heights sheds its water to which, and the erosion by it.

The water of a cell leaves over the lowest pass. All these ways together are the minimum spanning
tree of the grid whose edges weigh as much as the higher of their two cells, seen from the outlets:
steepest descent on slopes, and the shortest climb over the rim out of a hollow.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

Grid = NDArray[np.float64]  # (rows, cols)
Mask = NDArray[np.bool_]  # (rows, cols)
Cells = NDArray[np.int64]  # flat indices

STEEPEST = 1e-6  # weight of slope among edges of equal height; small against differences of height


class Drainage(NamedTuple):
    """Cells in the order of their steps to the outlet; all but the first have a receiver."""

    order: Cells  # flat cell indices; order[0] is what lies beyond the outlets: no cell
    receiver: Cells  # position in `order` of the next cell downstream; 0 at outlets
    step: NDArray[np.float64]  # cells to the receiver: 1 or sqrt 2
    levels: list[slice]  # positions with the same number of steps to go, from the outlets up

    def collect(self, rain: Grid) -> Grid:
        """Sum of ``rain`` over all that drains through every cell, itself included."""
        total = np.append(rain.ravel(), 0.0)[self.order]
        for level in reversed(self.levels[1:]):
            into = self.receiver[level]
            flow = np.bincount(into - into[0], weights=total[level])
            total[into[0] : into[-1] + 1] += flow
        return self.spread(total, rain.shape)

    def erode(self, height: Grid, speed: Grid) -> Grid:
        """One implicit step of the stream power law (Braun and Willett 2013), linear in slope."""
        z = np.append(height.ravel(), 0.0)[self.order]
        factor = np.append(speed.ravel(), 0.0)[self.order] / self.step
        for level in self.levels[1:]:
            z[level] = (z[level] + factor[level] * z[self.receiver[level]]) / (1 + factor[level])
        return self.spread(z, height.shape)

    def fill(self, height: Grid, fall: float) -> Grid:
        """The lowest surface over ``height`` that falls by ``fall`` a step towards the outlets."""
        z = np.append(height.ravel(), 0.0)[self.order]
        for level in self.levels[1:]:
            z[level] = np.maximum(z[level], z[self.receiver[level]] + fall * self.step[level])
        return self.spread(z, height.shape)

    def downstream(self) -> Cells:
        """The next cell of every cell; -1 at outlets."""
        following = np.full(len(self.order) - 1, -1)
        inner = slice(self.levels[0].stop, None)
        following[self.order[inner]] = self.order[self.receiver[inner]]
        return following

    def spread(self, values: NDArray[np.float64], shape: tuple[int, ...]) -> Grid:
        """From the order of the drainage back to the grid."""
        grid = np.empty(len(values))
        grid[self.order] = values
        return grid[:-1].reshape(shape)


def drain(height: Grid, outlets: Mask) -> Drainage:
    """Drainage of a grid whose water leaves at ``outlets``."""
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
