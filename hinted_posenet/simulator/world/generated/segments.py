"""Segments: straight pieces of roads and streets with a width, found by place and drawn by distance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.lattice import Bounds, Lattice, Window
from hinted_posenet.simulator.world.world import Raster

Points = NDArray[np.float64]  # (n, 2) east and north in metres


class Segments(NamedTuple):
    """n straight pieces of lines."""

    start_m: Points
    end_m: Points
    half_width_m: NDArray[np.float64]  # (n,)
    kind: NDArray[np.uint8]  # (n,) Cover codes

    @staticmethod
    def of(lines: list[tuple[Points, float, int]]) -> "Segments":
        """Of polylines with a width in metres and a cover each."""
        parts = [line for line, _, _ in lines if len(line) > 1]
        counts = [len(line) - 1 for line in parts]
        kept = [(width, kind) for line, width, kind in lines if len(line) > 1]
        return Segments(
            np.concatenate([line[:-1] for line in parts]) if parts else np.zeros((0, 2)),
            np.concatenate([line[1:] for line in parts]) if parts else np.zeros((0, 2)),
            np.repeat([0.5 * width for width, _ in kept], counts),
            np.repeat(np.array([kind for _, kind in kept], np.uint8), counts),
        )

    def near(self, bounds: Bounds, reach_m: float) -> "Segments":
        """Those whose box comes within a distance of `bounds`."""
        low, high = np.minimum(self.start_m, self.end_m), np.maximum(self.start_m, self.end_m)
        reach = self.half_width_m + reach_m
        inside = (
            (high[:, 0] + reach > bounds.xmin)
            & (low[:, 0] - reach < bounds.xmax)
            & (high[:, 1] + reach > bounds.ymin)
            & (low[:, 1] - reach < bounds.ymax)
        )
        return self.chosen(inside)

    def chosen(self, which: NDArray[np.bool_]) -> "Segments":
        """Some of them."""
        return Segments(
            self.start_m[which], self.end_m[which], self.half_width_m[which], self.kind[which]
        )

    def joined(self, other: "Segments") -> "Segments":
        """These and those."""
        return Segments(
            np.concatenate([self.start_m, other.start_m]),
            np.concatenate([self.end_m, other.end_m]),
            np.concatenate([self.half_width_m, other.half_width_m]),
            np.concatenate([self.kind, other.kind]),
        )


def distance_m(segments: Segments, lattice: Lattice, window: Window, reach_m: float) -> Raster:
    """Distance (rows, cols) from pixel centres to the edge of the nearest segment.

    Negative inside, at most `reach_m`; every pixel's value is the same in every window.
    """
    distance: Raster = np.full((window.rows, window.cols), reach_m, np.float32)
    x, y = lattice.axes(window)
    near = segments.near(lattice.bounds_of(window), reach_m)
    for (x0, y0), (x1, y1), half_width, _ in zip(*near, strict=True):
        reach = half_width + reach_m
        left, right = np.searchsorted(x, [min(x0, x1) - reach, max(x0, x1) + reach])
        # y falls with the row
        top, bottom = np.searchsorted(-y, [-max(y0, y1) - reach, -min(y0, y1) + reach])
        east, north = x[None, left:right] - x0, y[top:bottom, None] - y0
        dx, dy = x1 - x0, y1 - y0
        along = np.clip((east * dx + north * dy) / max(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
        from_edge = np.hypot(east - along * dx, north - along * dy) - half_width
        box = distance[top:bottom, left:right]
        np.minimum(box, from_edge.astype(np.float32), out=box)
    return distance
