"""Water, window by window: the nearest bank of every pixel, and the land that water shapes beside it."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hinted_posenet.simulator.world import Bounds, Cover, PixelGrid, Raster, Window
from hinted_posenet.simulator.world.generated.rivers import River

REACH_M = 60.0  # distance up to which water shapes the land beside it
DEEPEST_M = 8.0  # of lakes


class Shores:
    """Distances to water and limits of the land beside it (rows, cols), from one water at a time."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.kind = np.zeros(shape, np.uint8)  # 0, Cover.WATER (lakes) or Cover.RIVER
        self.nearest = np.zeros(shape, np.uint8)  # the same of the nearest water within reach
        # of the nearest water above sea level; nan where none is within reach
        self.level_m = np.full(shape, np.nan, np.float32)
        # distance to the nearest shore, at most REACH_M; negative in water
        self.shore_m = np.full(shape, REACH_M, np.float32)
        self.lowest_m = np.full(shape, -np.inf, np.float32)  # land is higher than water
        self.highest_m = np.full(shape, np.inf, np.float32)  # and lower in beds and valleys

    def add(
        self, where: tuple[slice, slice], shore_m: Raster, level_m: Raster, kind: Cover
    ) -> None:
        """Add a body of water; ``shore_m`` and ``level_m`` cover the pixels ``where``."""
        out = np.maximum(shore_m, 0)
        lowest = level_m + np.minimum(0.3 * out, 0.8) - 0.12 * np.maximum(out - 5, 0)
        steep, deepest = (0.4, 2.5) if kind == Cover.RIVER else (0.12, DEEPEST_M)
        highest = level_m + 0.15 * out + 0.004 * out * out
        highest += np.maximum(steep * np.minimum(shore_m, 0), -deepest)
        reached = shore_m < REACH_M
        lowest[~reached], highest[~reached] = -np.inf, np.inf
        np.maximum(self.lowest_m[where], lowest, out=self.lowest_m[where])
        np.minimum(self.highest_m[where], highest, out=self.highest_m[where])
        nearer = shore_m < self.shore_m[where]
        self.shore_m[where][nearer] = shore_m[nearer]
        self.level_m[where][nearer] = level_m[nearer]
        self.nearest[where][nearer] = kind
        self.kind[where][nearer & (shore_m < 0)] = kind


class Channels:
    """Segments of all rivers, which can be found by place."""

    def __init__(self, rivers: list[River]) -> None:
        starts, ends = [], []
        for river in rivers:
            table = np.column_stack([river.points_m, river.width_m / 2, river.level_m])
            starts.append(table[:-1])
            ends.append(table[1:])
        self.start = np.concatenate([np.zeros((0, 4)), *starts])  # x, y, half width, level
        self.end = np.concatenate([np.zeros((0, 4)), *ends])
        length_m = np.hypot(*(self.end - self.start)[:, :2].T)
        half_width_m = np.maximum(self.start[:, 2], self.end[:, 2])
        self.radius_m = float(np.max(length_m / 2 + half_width_m, initial=0.0))
        self.middles = cKDTree((self.start[:, :2] + self.end[:, :2]) / 2)

    def add_to(self, shores: Shores, pixel_grid: PixelGrid, window: Window) -> None:
        """Gather the rivers of a window."""
        bounds = pixel_grid.bounds_of(window)
        around_m = np.hypot(bounds.width_m, bounds.height_m) / 2 + self.radius_m + REACH_M
        # in the same order for all windows: of two equally near segments the first counts
        for segment in sorted(self.middles.query_ball_point(bounds.center_m, around_m)):
            ax, ay, half_a, level_a = self.start[segment].tolist()
            bx, by, half_b, level_b = self.end[segment].tolist()
            reach_m = max(half_a, half_b) + REACH_M
            (west, east), (south, north) = sorted((ax, bx)), sorted((ay, by))
            around = Bounds(west - reach_m, south - reach_m, east + reach_m, north + reach_m)
            area = pixel_grid.window_of(around).overlap(window)
            if not (area.rows and area.cols):
                continue
            x, y = pixel_grid.axes(area)
            shore_m, level_m = _beside(
                (x - ax).astype(np.float32)[None, :],
                (y - ay).astype(np.float32)[:, None],
                np.array([bx - ax, by - ay], np.float32),
                np.array([half_a, half_b - half_a], np.float32),
                np.array([level_a, level_b - level_a], np.float32),
            )
            shores.add(area.within(window), shore_m, level_m, Cover.RIVER)

    def shore_at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the distance of points (n,) to the nearest bank of a river; negative in rivers."""
        if not len(self.start):
            return np.full(x_m.shape, np.inf, np.float32)
        count = min(8, len(self.start))
        near = self.middles.query(np.column_stack([x_m, y_m]), k=np.arange(1, count + 1))[1]
        start, along = self.start[near], self.end[near] - self.start[near]
        shore_m, _ = _beside(
            (x_m[:, None] - start[..., 0]).astype(np.float32),
            (y_m[:, None] - start[..., 1]).astype(np.float32),
            np.moveaxis(along[..., :2], -1, 0).astype(np.float32),
            np.stack([start[..., 2], along[..., 2]]).astype(np.float32),
            np.stack([start[..., 3], along[..., 3]]).astype(np.float32),
        )
        return np.asarray(shore_m.min(axis=1))


def _beside(
    east_m: Raster, north_m: Raster, end_m: Raster, half_m: Raster, level_m: Raster
) -> tuple[Raster, Raster]:
    """Return the distance to the bank of a segment, and the water level at the segment's nearest point.

    ``east_m`` and ``north_m`` lead from the start of the segment to the places, ``end_m`` to its end.
    ``half_m`` and ``level_m`` are half the width and the level at the start, and their growth to the end.
    """
    squared = end_m[0] * end_m[0] + end_m[1] * end_m[1]
    t = np.clip((east_m * (end_m[0] / squared) + north_m * (end_m[1] / squared)), 0, 1)
    east, north = east_m - t * end_m[0], north_m - t * end_m[1]
    shore_m = np.sqrt(east * east + north * north) - (half_m[0] + t * half_m[1])
    return shore_m, level_m[0] + t * level_m[1]
