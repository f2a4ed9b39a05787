"""Bend: a smooth warp that hides the axes of a plan's grid, the same for land and rivers."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

from hinted_posenet.simulator.world.generated.drainage import Grid
from hinted_posenet.simulator.world.generated.rivers import River
from hinted_posenet.simulator.world.lattice import Lattice, Window
from hinted_posenet.simulator.world.noise import (
    cubic_weights,
    fractal_noise,
    stream,
    uniform,
)

SCALE_CELLS, SHIFT_CELLS = 40.0, 2.5  # size of the largest bends, and how far they shift
MEANDERS_M = ((200.0, 20.0), (80.0, 8.0))  # the same of rivers between the cells
SPACING_M = 12.0  # of points of rivers; wide rivers have half their width


class Bend:
    """Warp of a plan.

    Args:
        plan: its cells.
        seed: of the world.
    """

    def __init__(self, plan: Lattice, seed: int) -> None:
        self.plan, self.seed = plan, seed
        window = Window(0, 0, plan.rows, plan.cols)
        self.shift = np.stack(
            [
                SHIFT_CELLS * fractal_noise(window, SCALE_CELLS, stream(seed, f"bend {axis}"), 4)
                for axis in ("south", "east")
            ]
        ).astype(np.float64)

    def grid(self, values: Grid, order: int) -> Grid:
        """Bent values (rows, cols); order 0 takes the nearest cell, 1 is bilinear."""
        place = np.indices(values.shape) + self.shift
        return np.asarray(map_coordinates(values, place, order=order, mode="nearest"))

    def river(self, river: River) -> River:
        """A river in metres, from one in columns and rows of the plan."""
        cell_m = self.plan.resolution_m
        along = np.append(0.0, np.cumsum(np.hypot(*np.diff(river.points_m, axis=0).T)))
        spacing = max(SPACING_M, float(river.width_m.mean()) / 2) / cell_m
        fine = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / spacing)) + 1)
        target = CubicSpline(along, river.points_m)(fine).T[::-1]
        place = target
        for _ in range(10):  # where the bent land shows what lies at the target
            shift = [map_coordinates(axis, place, order=1, mode="nearest") for axis in self.shift]
            place = target - np.stack(shift)
        x_m = self.plan.xmin + (place[1] + 0.5) * cell_m
        y_m = self.plan.ymax - (place[0] + 0.5) * cell_m
        return River(
            np.stack([x_m, y_m], axis=-1) + self._meander(x_m, y_m),
            np.interp(fine, along, river.width_m),
            np.interp(fine, along, river.level_m),
        )

    def _meander(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shift of points east and north (n, 2): a function of place, so that rivers still meet."""
        total = np.zeros((len(x_m), 2))
        for scale_m, shift_m in MEANDERS_M:
            for axis, name in enumerate(("east", "north")):
                key = stream(self.seed, f"meander {scale_m} {name}")
                total[:, axis] += shift_m * _noise_at(x_m / scale_m, y_m / scale_m, key)
        return total


def _noise_at(
    x: NDArray[np.float64], y: NDArray[np.float64], stream_seed: int
) -> NDArray[np.float64]:
    """Smooth noise at points (n,) of deviation about 1, bumps about one unit wide."""
    col, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = cubic_weights(x - col), cubic_weights(y - row)
    total = np.zeros(len(x))
    for i in range(4):
        for j in range(4):
            values = uniform(stream_seed, row + i, col + j) - 0.5
            total += down[i] * across[j] * values
    # 0.475: as in `fractal_noise`
    return np.asarray(total * (np.sqrt(12.0) / 0.475))
