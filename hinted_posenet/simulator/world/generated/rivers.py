"""Rivers and lakes of a grid of heights, and the smooth warp that hides the axes of that grid."""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

from hinted_posenet.simulator.world import PixelGrid
from hinted_posenet.simulator.world.generated.erosion import Cells, Drainage, Grid, Mask
from hinted_posenet.simulator.world.noise import cubic_weights, fractal_noise, stream, uniform

Line = NDArray[np.float64]  # (n,)

FALL = 1e-4  # least slope of a river
STREAM_M2 = 6e5  # a stream begins where this much land drains together
STREAM_CELLS = 120  # or this many cells, where those are large
BANK_M = 0.8  # depth of the water below the land around it
LAKE_EVERY_M2, LAKE_EVERY_CELLS = 12e6, 1500  # land per lake: the larger of both
LAKE_M2 = (3e4, 5e5)  # smallest and largest lake
LAKE_CELLS = (8, 600)  # the same in cells, where those are large
LAKE_STREAM_M2 = 2e6  # lakes lie on streams that drain this much land
LAKE_RISE_M = 6.0  # how far the drowned land may have risen above the water
SCALE_CELLS, SHIFT_CELLS = 40.0, 2.5  # size of the largest bends, and their largest shift
MEANDERS_M = ((200.0, 20.0), (80.0, 8.0))  # the same of rivers between the cells
SPACING_M = 12.0  # between the points of rivers; half their width for wide rivers


class River(NamedTuple):
    """A river from its spring through lakes down to a larger river or the end of the plan."""

    points_m: NDArray[np.float64]  # (n, 2) ENU
    width_m: Line
    level_m: Line  # of the water above sea level; never rises


class Streams(NamedTuple):
    """Rivers and lakes on the grid."""

    running: Mask  # rivers, through lakes too
    lake: NDArray[np.int64]  # (rows, cols): 0, or one more than the index in `lake_level_m`
    lake_level_m: Line
    level_m: Grid  # of the water; meaningful at rivers and lakes
    width_m: Grid  # of rivers


def find_streams(
    height_m: Grid, drainage: Drainage, area_m2: Grid, cell_m: float, seed: int
) -> Streams:
    """Find streams and lakes from heights (rows, cols) without hollows and their drainage.

    ``area_m2`` (rows, cols) is the land that drains through each cell.
    """
    running = area_m2 > max(STREAM_M2, STREAM_CELLS * cell_m**2)
    floor_m = height_m - BANK_M
    lake, level_m = _find_lakes(floor_m, drainage, area_m2 * running, cell_m, seed)
    still = lake > 0
    floor_m = np.where(still, np.append(0.0, level_m)[lake], floor_m)
    water_m = drainage.fill(floor_m, FALL * cell_m)
    width_m = np.clip(2.0 + 1.3 * np.sqrt(area_m2 / 1e6), 3.0, 60.0)
    return Streams(running, lake, level_m, np.where(still, floor_m, water_m), width_m)


def _find_lakes(
    height_m: Grid, drainage: Drainage, stream_m2: Grid, cell_m: float, seed: int
) -> tuple[NDArray[np.int64], Line]:
    """Drown valleys upstream of some places on streams, the lowest land first."""
    rows, cols = height_m.shape
    level, downstream = height_m.ravel(), drainage.downstream()
    donors = np.argsort(downstream, kind="stable")
    first = np.searchsorted(downstream[donors], np.arange(rows * cols + 1))
    lake = np.zeros(rows * cols, np.int64)
    free = np.zeros((rows, cols), bool)
    free[10:-10, 10:-10] = True
    places = np.flatnonzero(stream_m2 > LAKE_STREAM_M2)
    places = places[np.argsort(uniform(stream(seed, "lakes"), places))]
    levels_m: list[float] = []
    wanted = int(rows * cols * cell_m**2 / max(LAKE_EVERY_M2, LAKE_EVERY_CELLS * cell_m**2))
    for place in places.tolist():
        if len(levels_m) >= wanted:
            break
        if not free.flat[place]:
            continue
        share = float(uniform(stream(seed, "lake size"), place)) ** 2
        area_m2 = LAKE_M2[0] + share * (LAKE_M2[1] - LAKE_M2[0])
        count = int(min(max(area_m2 / cell_m**2, LAKE_CELLS[0]), LAKE_CELLS[1]))
        shore, drowned = [(float(level[place]), place)], list[int]()
        while shore and len(drowned) < count and shore[0][0] < level[place] + LAKE_RISE_M:
            cell = heapq.heappop(shore)[1]
            drowned.append(cell)
            for donor in donors[first[cell] : first[cell + 1]].tolist():
                if free.flat[donor]:
                    heapq.heappush(shore, (level[donor], donor))
        if len(drowned) >= LAKE_CELLS[0]:
            levels_m.append(float(level[place]))
            lake[drowned] = len(levels_m)
            for cell in drowned:
                row, col = divmod(cell, cols)
                free[max(row - 10, 0) : row + 11, max(col - 10, 0) : col + 11] = False
    return lake.reshape(rows, cols), np.array(levels_m)


def find_rivers(streams: Streams, drainage: Drainage, area_m2: Grid) -> list[River]:
    """Return smooth rivers in the frame of the grid: points are (col, row), cell (0, 0) at (0, 0)."""
    row, col = np.divmod(np.arange(area_m2.size), area_m2.shape[1])
    point = np.stack([col, row], axis=-1).astype(np.float64)
    level_m, width_m = streams.level_m.ravel().copy(), streams.width_m.ravel()
    rivers = []
    for cells in _chains(streams.running, drainage.downstream(), area_m2.ravel()):
        # ends stay fixed: a river ends on the larger one, which was smoothed before
        point[cells] = _smooth(point[cells], 4)
        level_m[cells] = np.minimum(level_m[cells], _smooth(level_m[cells], 12))
        rivers.append(River(point[cells], width_m[cells], level_m[cells]))
    return rivers


def _chains(running: Mask, downstream: Cells, area_m2: Line) -> list[list[int]]:
    """Return the cells of every river down to the larger one that it joins, larger rivers first."""
    wet = np.flatnonzero(running)
    wet = wet[np.argsort(area_m2[wet], kind="stable")]
    inner = wet[downstream[wet] >= 0]
    main = np.full(running.size, -1)
    main[downstream[inner]] = inner  # of several the last, which is the largest
    chains = []
    for spring in wet[main[wet] < 0].tolist():
        cells = [spring]
        while (following := int(downstream[cells[-1]])) >= 0:
            cells.append(following)
            if main[following] != cells[-2]:
                break
        if len(cells) > 1:
            chains.append(cells)
    return sorted(chains, key=lambda cells: -float(area_m2[cells[-2]]))


def _smooth(values: NDArray[np.float64], times: int) -> NDArray[np.float64]:
    """Take binomial means along the first axis between fixed ends; falling values keep falling."""
    for _ in range(times):
        values = values.copy()
        values[1:-1] = (values[:-2] + 2 * values[1:-1] + values[2:]) / 4
    return values


class Bend:
    """The warp of a plan."""

    def __init__(self, plan: PixelGrid, seed: int) -> None:
        self.plan, self.seed = plan, seed
        shifts = [
            SHIFT_CELLS * fractal_noise(plan.window, SCALE_CELLS, stream(seed, f"bend {axis}"), 4)
            for axis in ("south", "east")
        ]
        self.shift = np.stack(shifts).astype(np.float64)

    def grid(self, values: Grid, order: int) -> Grid:
        """Bend values (rows, cols); order 0 takes the nearest cell, 1 is bilinear."""
        place = np.indices(values.shape) + self.shift
        return np.asarray(map_coordinates(values, place, order=order, mode="nearest"))

    def river(self, river: River) -> River:
        """Return a river in metres, from one in columns and rows of the plan."""
        cell_m = self.plan.resolution_m
        along = np.append(0.0, np.cumsum(np.hypot(*np.diff(river.points_m, axis=0).T)))
        spacing = max(SPACING_M, float(river.width_m.mean()) / 2) / cell_m
        fine = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / spacing)) + 1)
        target = CubicSpline(along, river.points_m)(fine).T[::-1]
        place = target
        for _ in range(10):  # the fixed point is the place at which the bent land shows the target
            shift = [map_coordinates(axis, place, order=1, mode="nearest") for axis in self.shift]
            place = target - np.stack(shift)
        x_m = self.plan.xmin + (place[1] + 0.5) * cell_m
        y_m = self.plan.ymax - (place[0] + 0.5) * cell_m
        meander_m = np.zeros((len(x_m), 2))  # by place alone, so that rivers still meet
        for scale_m, shift_m in MEANDERS_M:
            for axis, name in enumerate(("east", "north")):
                key = stream(self.seed, f"meander {scale_m} {name}")
                meander_m[:, axis] += shift_m * _noise_at(x_m / scale_m, y_m / scale_m, key)
        return River(
            np.stack([x_m, y_m], axis=-1) + meander_m,
            np.interp(fine, along, river.width_m),
            np.interp(fine, along, river.level_m),
        )


def _noise_at(
    x: NDArray[np.float64], y: NDArray[np.float64], stream_seed: int
) -> NDArray[np.float64]:
    """Return smooth noise at points (n,) of deviation about 1, with bumps about one unit wide."""
    col, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = cubic_weights(x - col), cubic_weights(y - row)
    total = np.zeros(len(x))
    for i in range(4):
        for j in range(4):
            values = uniform(stream_seed, row + i, col + j) - 0.5
            total += down[i] * across[j] * values
    # 0.475: as in `fractal_noise`
    return np.asarray(total * (np.sqrt(12.0) / 0.475))
