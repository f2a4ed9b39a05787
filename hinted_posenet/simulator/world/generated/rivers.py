"""Rivers and lakes that follow from a grid of heights."""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.drainage import Cells, Drainage, Grid, Mask
from hinted_posenet.simulator.world.noise import stream, uniform

Line = NDArray[np.float64]  # (n,)

FALL = 1e-4  # least slope of a river
STREAM_M2 = 6e5  # a stream begins where this much land drains together
STREAM_CELLS = 120  # or this many cells, where those are large
BANK_M = 0.8  # water lies this much lower than the land around
LAKE_EVERY_M2, LAKE_EVERY_CELLS = 12e6, 1500  # land for a lake: the larger of both
LAKE_M2 = (3e4, 5e5)  # between these sizes
LAKE_CELLS = (8, 600)  # and these, where cells are large
LAKE_STREAM_M2 = 2e6  # lakes lie on streams of this much land
LAKE_RISE_M = 6.0  # how much higher than the water the land that a lake drowns may have been


class River(NamedTuple):
    """From its spring through lakes down to a larger river or the end of the plan."""

    points_m: NDArray[np.float64]  # (n, 2) ENU
    width_m: Line
    level_m: Line  # of the water above sea level; never rises


class Streams(NamedTuple):
    """Where water is on the grid."""

    running: Mask  # rivers, through lakes too
    lake: NDArray[np.int64]  # (rows, cols): 0, or one more than the index in `lake_level_m`
    lake_level_m: Line
    level_m: Grid  # of the water; meaningful at rivers and lakes
    width_m: Grid  # of rivers


def find_streams(
    height_m: Grid, drainage: Drainage, area_m2: Grid, cell_m: float, seed: int
) -> Streams:
    """Streams and lakes of a land.

    Args:
        height_m: (rows, cols), without hollows.
        drainage: of those heights.
        area_m2: (rows, cols) land that drains through every cell.
        cell_m: width of a cell.
        seed: of the world.
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
    """Valleys drowned upstream of some places on streams, the lowest land first."""
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
    """Smooth rivers in the frame of the grid: points are (col, row), cell (0, 0) at (0, 0)."""
    row, col = np.divmod(np.arange(area_m2.size), area_m2.shape[1])
    point = np.stack([col, row], axis=-1).astype(np.float64)
    level_m, width_m = streams.level_m.ravel().copy(), streams.width_m.ravel()
    rivers = []
    for cells in _chains(streams.running, drainage.downstream(), area_m2.ravel()):
        # ends stay: a river ends where the larger one, which came before, was smoothed to
        point[cells] = _smooth(point[cells], 4)
        level_m[cells] = np.minimum(level_m[cells], _smooth(level_m[cells], 12))
        rivers.append(River(point[cells], width_m[cells], level_m[cells]))
    return rivers


def _chains(running: Mask, downstream: Cells, area_m2: Line) -> list[list[int]]:
    """Cells of every river down to the larger river that it joins, larger rivers first."""
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
    """Binomial means along the first axis between fixed ends; what falls goes on falling."""
    for _ in range(times):
        values = values.copy()
        values[1:-1] = (values[:-2] + 2 * values[1:-1] + values[2:]) / 4
    return values
