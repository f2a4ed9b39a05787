"""The terrain of a generated world with its rivers and lakes.

A coarse plan is made once. All that is read by windows is a function of the plan and of absolute pixel
numbers, so that a pixel is the same to the last bit in every window.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from hinted_posenet.simulator.world import Bounds, Cover, PixelGrid, Raster, Window
from hinted_posenet.simulator.world.generated.erosion import Grid, drain, erode
from hinted_posenet.simulator.world.generated.rivers import (
    BANK_M,
    FALL,
    Bend,
    Line,
    River,
    Streams,
    find_rivers,
    find_streams,
)
from hinted_posenet.simulator.world.generated.water import DEEPEST_M, REACH_M, Channels, Shores
from hinted_posenet.simulator.world.noise import fractal_noise, spline, stream

CELLS = 768  # of the plan along its longer side, at most
CELL_M = 16.0  # width of a cell, at least
SIDE_M = 8000.0  # of the plan, at least: the rivers of a small world come from farther away
LOWEST_M = 40.0  # above sea level
PLAIN_WIDTHS = 20.0  # how far the plain beside a river reaches, in widths of the river
HILL_CELLS = 6.0  # width of small hills
HILL_M = np.float32(0.1)  # height of small hills, per metre of cell
HIGHEST_NOISE = 6.5  # `fractal_noise` never exceeds it


class Relief:
    """Natural terrain with water over bounds and a margin, from valleys to hills of ``relief_m``.

    Windows belong to a pixel grid that begins at the north-west corner of ``bounds``, of any resolution
    up to 2 m.
    """

    def __init__(self, seed: int, bounds: Bounds, relief_m: float) -> None:
        self.seed, self.plan = seed, _plan_grid(bounds)
        shape, cell_m = (self.plan.rows, self.plan.cols), self.plan.resolution_m
        land, basin = erode(shape, seed)
        low, high = np.percentile(land, [1, 99])
        height_m = LOWEST_M + (land - land.min()) * (relief_m / (high - low))
        drainage = drain(height_m, basin.outlets)
        height_m = drainage.fill(height_m, FALL * cell_m)  # no hollows below rivers
        area_m2 = drainage.collect(basin.rain) * cell_m**2
        streams = find_streams(height_m, drainage, area_m2, cell_m, seed)
        height_m = _with_plains(height_m, streams, cell_m)
        bend = Bend(self.plan, seed)
        self.rivers: list[River] = [
            bend.river(river) for river in find_rivers(streams, drainage, area_m2)
        ]
        self.channels = Channels(self.rivers)
        self.lake_level_m = streams.lake_level_m.astype(np.float32)
        lake_shore_m, lake = _lake_shores(streams, cell_m, seed)
        self.coarse_m = bend.grid(height_m, 1).astype(np.float32)
        self.lake_shore_m = bend.grid(lake_shore_m, 1).astype(np.float32)
        self.lake = bend.grid(lake, 0).astype(np.int32)  # 0, or one more than the lake's index
        slope = np.hypot(*np.gradient(gaussian_filter(self.coarse_m, 2)))
        self.steep = _smoothstep(slope / np.percentile(slope, 85)).astype(np.float32)

    @property
    def height_range_m(self) -> tuple[float, float]:
        """Limits that no terrain exceeds."""
        hills_m = HIGHEST_NOISE * float(self._rough_m(self.steep).max())
        return float(self.coarse_m.min()) - DEEPEST_M, float(self.coarse_m.max()) + hills_m

    def ground(self, pixel_grid: PixelGrid, window: Window) -> tuple[Raster, Shores]:
        """Return heights above sea level at pixel centers (rows, cols), beds included, and the water."""
        scale_m = HILL_CELLS * self.plan.resolution_m
        octaves = int(math.log2(scale_m / 3.0))  # the finest are two pixels of 2 m wide
        name = stream(self.seed, "small hills")
        hills = fractal_noise(window, scale_m / pixel_grid.resolution_m, name, octaves)
        # round hills with gullies between, never below the plain, where banks would look like dams
        hills = np.sqrt(hills * hills + np.float32(0.04)) - np.float32(0.2)
        land_m = self._sample(self.coarse_m, pixel_grid, window)
        land_m += self._rough_m(self.steepness(pixel_grid, window)) * hills
        shores = self._shores(pixel_grid, window)
        return np.minimum(np.maximum(land_m, shores.lowest_m), shores.highest_m), shores

    def steepness(self, pixel_grid: PixelGrid, window: Window) -> Raster:
        """Return 0 in plains to 1 (rows, cols) where the smooth land is among the world's steepest."""
        return self._sample(self.steep, pixel_grid, window)

    def _rough_m(self, steep: Raster) -> Raster:
        """Return the height of small hills."""
        cell_m = np.float32(self.plan.resolution_m)
        return HILL_M * cell_m * (np.float32(0.1) + np.float32(0.9) * steep)

    def height_m(self, x_m: Line, y_m: Line) -> Line:
        """Return the smooth height of the land at points, without small hills and beds."""
        return self._at(self.coarse_m, x_m, y_m)

    def slope(self, x_m: Line, y_m: Line) -> Line:
        """Return rise over run of the smooth height at points."""
        half_m = self.plan.resolution_m / 2
        east = self.height_m(x_m + half_m, y_m) - self.height_m(x_m - half_m, y_m)
        north = self.height_m(x_m, y_m + half_m) - self.height_m(x_m, y_m - half_m)
        return np.hypot(east, north) / (2 * half_m)

    def is_water(self, x_m: Line, y_m: Line) -> NDArray[np.bool_]:
        """Return whether points lie in a river or a lake; lakes are exact to a fraction of a cell."""
        lake = self._at(self.lake_shore_m, x_m, y_m) < 0
        return np.asarray(lake | (self.channels.shore_at(x_m, y_m) < 0))

    def _shores(self, pixel_grid: PixelGrid, window: Window) -> Shores:
        """Gather all water in a window."""
        shores = Shores((window.rows, window.cols))
        row, col = (np.round(place).astype(np.int64) for place in self._places(pixel_grid, window))
        lake = self.lake[
            np.clip(row, 0, self.plan.rows - 1)[:, None], np.clip(col, 0, self.plan.cols - 1)
        ]
        if lake.any():
            cell_m = self.plan.resolution_m
            name = stream(self.seed, "lake shores")
            wobble = fractal_noise(window, 1.5 * cell_m / pixel_grid.resolution_m, name, octaves=4)
            shore_m = self._sample(self.lake_shore_m, pixel_grid, window)
            shore_m += wobble * np.float32(0.06 * cell_m)
            shore_m[lake == 0] = REACH_M
            level_m = np.append(self.lake_level_m, np.float32(0))[lake - 1]
            shores.add(np.s_[:, :], shore_m, level_m, Cover.WATER)
        self.channels.add_to(shores, pixel_grid, window)
        return shores

    def _places(self, pixel_grid: PixelGrid, window: Window) -> tuple[Line, Line]:
        """Return rows and columns of the plan at the pixels of a window."""
        px, cell_m, plan = pixel_grid.resolution_m, self.plan.resolution_m, self.plan
        row = np.arange(window.row, window.row + window.rows, dtype=np.float64) + 0.5
        col = np.arange(window.col, window.col + window.cols, dtype=np.float64) + 0.5
        south_m, east_m = plan.ymax - pixel_grid.ymax, pixel_grid.xmin - plan.xmin
        return (south_m + row * px) / cell_m - 0.5, (east_m + col * px) / cell_m - 0.5

    def _sample(self, grid: Raster, pixel_grid: PixelGrid, window: Window) -> Raster:
        """Sample the cubic B-spline of the plan's cells at the pixels of a window."""
        (top, down), (left, across) = map(spline, self._places(pixel_grid, window))
        rows = np.clip(np.arange(top, top + down.shape[1]), 0, self.plan.rows - 1)
        cols = np.clip(np.arange(left, left + across.shape[1]), 0, self.plan.cols - 1)
        # always the same four products in the same order: equal to the last bit in every window
        return np.asarray(down @ (across @ grid[rows[:, None], cols].T).T)

    def _at(self, grid: Raster, x_m: Line, y_m: Line) -> Line:
        """Sample the same spline at points."""
        cell_m = self.plan.resolution_m
        place = (self.plan.ymax - y_m) / cell_m - 0.5, (x_m - self.plan.xmin) / cell_m - 0.5
        how = {"output": np.float64, "order": 3, "prefilter": False, "mode": "nearest"}
        return np.asarray(map_coordinates(grid, np.stack(place), **how))


def _plan_grid(bounds: Bounds) -> PixelGrid:
    """Return the cells of the plan: over the bounds and a margin."""
    longer_m, shorter_m = sorted((bounds.width_m, bounds.height_m), reverse=True)
    margin_m = max(0.05 * longer_m, (SIDE_M - shorter_m) / 2)
    cell_m = max(CELL_M, (longer_m + 2 * margin_m) / CELLS)
    cols, rows = (math.ceil((n + 2 * margin_m) / cell_m) for n in (bounds.width_m, bounds.height_m))
    return PixelGrid(bounds.xmin - margin_m, bounds.ymax + margin_m, cell_m, rows, cols)


def _with_plains(height_m: Grid, streams: Streams, cell_m: float) -> Grid:
    """Flatten the land beside water, a little above its level."""
    dry = ~(streams.running | (streams.lake > 0))
    away, nearest = distance_transform_edt(dry, return_indices=True)
    bank_m = streams.level_m[tuple(nearest)] + BANK_M
    reach_m = np.maximum(PLAIN_WIDTHS * streams.width_m[tuple(nearest)], 1.5 * cell_m)
    rising_m = (height_m - bank_m) * _smoothstep(away * cell_m / reach_m)
    return np.asarray(gaussian_filter(bank_m + rising_m, 1.0, mode="nearest"))


def _lake_shores(streams: Streams, cell_m: float, seed: int) -> tuple[Grid, Grid]:
    """Return the distance to the nearest shore of a lake, negative in lakes, and that lake where near."""
    still = streams.lake > 0
    if not still.any():
        return np.full(still.shape, REACH_M), streams.lake.astype(np.float64)
    out, nearest = distance_transform_edt(~still, return_indices=True)
    inside = distance_transform_edt(still)
    shore_m = (out - inside - 1.0) * cell_m  # at least a cell wide: the river in it meanders
    near_m = 1.5 * REACH_M + 2 * cell_m
    lake = np.where(shore_m < near_m, streams.lake[tuple(nearest)], 0)
    shore_m = gaussian_filter(np.minimum(shore_m, near_m), 0.8)
    bays = fractal_noise(Window(0, 0, *still.shape), 8.0, stream(seed, "bays"), octaves=3)
    return shore_m + 0.5 * cell_m * bays, lake.astype(np.float64)


def _smoothstep(x: Grid) -> Grid:
    """Rise smoothly from 0 at 0 to 1 at 1."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
