"""Fields: districts with a direction each, cut into blocks and parcels with a random draw each."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import PixelGrid, Raster, Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform

BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))
TRAMLINE_M = 7.0  # distance between the wheel tracks in a field
BLOCK_M = (150.0, 300.0)  # along the parcels
PARCEL_M = (28.0, 110.0)  # across the parcels
BALK_M = 0.8  # from the edge of a parcel: what is not ploughed
BLOCK_PX = 48  # side of squares of pixels that share their few near districts


class Fields(NamedTuple):
    """Layers (rows, cols) of farmland, as if it covered all land."""

    draw: Raster  # [0, 1), one value a parcel
    tone: Raster  # [-1, 1], one value a parcel
    furrow: Raster  # [-1, 1]
    parcel_edge_m: Raster  # distance to the nearest edge of a parcel in its district
    balk: NDArray[np.bool_]  # strips between the parcels of one block
    block_draw: Raster  # [0, 1), one value a block
    across_m: Raster  # from the center of the district, across its parcels
    district_edge_m: Raster  # distance to the border of the district
    hedge: Raster  # [0, 1), one value a border


def plant_fields(
    pixel_grid: PixelGrid, window: Window, seed: int, district_m: float, repetition: float
) -> Fields:
    """Make the fields of a window; each pixel is the same in every window.

    The centers of districts are ``district_m`` apart on average; ``repetition`` is 0 for parcels of all
    widths, 1 for parcels of one width in a district.
    """
    x, y = pixel_grid.axes(window)
    sites = _sites(x, y, district_m, stream(seed, "district"))
    # bent so that no border is straight for long
    scale_px, bend_m = 0.9 * district_m / pixel_grid.resolution_m, 0.045 * district_m
    bend_east, bend_north = (
        fractal_noise(window, scale_px, stream(seed, f"bend {axis}"), 2)
        for axis in ("east", "north")
    )
    east, north = x[None, :] + bend_m * bend_east, y[:, None] + bend_m * bend_north
    site, border, edge_m = _nearest(east, north, sites)
    key = stream(seed, "parcel")
    angle = np.pi * uniform(key, sites.number, 1)
    cos, sin = (f(angle).astype(np.float32)[site] for f in (np.cos, np.sin))
    # from the center of the district, so that float32 is exact enough far from the origin
    dx, dy = east - sites.x[site], north - sites.y[site]
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    low, high = BLOCK_M
    block_m = (low + (high - low) * uniform(key, sites.number, 2)).astype(np.float32)
    block, block_edge_m = _cut(u, block_m[site], sites.number[site], key + 3, 0.3)
    low, high = PARCEL_M
    narrow = uniform(key, sites.number, 4) ** 1.6  # few districts have wide parcels
    parcel_m = (low + (high - low) * narrow).astype(np.float32)
    owner = sites.number[site] * 4096 + block
    loose = 0.32 * (1 - repetition)
    parcel, parcel_edge_m = _cut(v, parcel_m[site], owner, key + 5, loose)
    # some pairs of neighbours are farmed as one
    merged = uniform(key, owner, parcel >> 1, 6) < 0.35 * (1 - repetition)
    parcel = np.where(merged, parcel & ~1, parcel)
    draw = np.minimum(uniform(key, owner, parcel, 7).astype(np.float32), BELOW_ONE)
    tone = (2 * uniform(key, owner, parcel, 8) - 1).astype(np.float32)
    furrow = np.sin(np.float32(2 * math.pi / TRAMLINE_M) * v).astype(np.float32)
    inner = np.where(merged, np.float32(1e3), parcel_edge_m)
    edge = np.minimum(block_edge_m, inner)
    balk = (inner < BALK_M) & (block_edge_m >= BALK_M)
    block_draw = np.minimum(uniform(key, owner, 10).astype(np.float32), BELOW_ONE)
    hedge = uniform(key, border, 9).astype(np.float32)
    across_m = v.astype(np.float32)
    return Fields(draw, tone, furrow, edge, balk, block_draw, across_m, edge_m, hedge)


class _Sites(NamedTuple):
    """Centers (n,) of the districts in and around a window, and their numbers in the world."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    number: NDArray[np.int64]


def _sites(x: NDArray[np.float64], y: NDArray[np.float64], spacing_m: float, key: int) -> _Sites:
    def cells(low: float, high: float) -> NDArray[np.int64]:
        return np.arange(math.floor(low / spacing_m) - 2, math.floor(high / spacing_m) + 3)

    i, j = (cell.ravel() for cell in np.meshgrid(cells(x[0], x[-1]), cells(y[-1], y[0])))
    at_x = (i + 0.15 + 0.7 * uniform(key, i, j, 0)) * spacing_m
    at_y = (j + 0.15 + 0.7 * uniform(key, i, j, 1)) * spacing_m
    return _Sites(at_x, at_y, (uniform(key, i, j, 2) * 2**40).astype(np.int64))


def _nearest(
    east: NDArray[np.float64], north: NDArray[np.float64], sites: _Sites
) -> tuple[NDArray[np.intp], NDArray[np.int64], Raster]:
    """Return the nearest site, the number of its border to the second nearest, and the distance to it."""
    near = np.zeros(east.shape, np.intp)
    far = np.zeros(east.shape, np.intp)
    edge_m = np.zeros(east.shape, np.float32)
    for top in range(0, east.shape[0], BLOCK_PX):
        for left in range(0, east.shape[1], BLOCK_PX):
            block = np.s_[top : top + BLOCK_PX, left : left + BLOCK_PX]
            near[block], far[block], edge_m[block] = _two_nearest(east[block], north[block], sites)
    return near, sites.number[near] ^ sites.number[far], edge_m


def _two_nearest(
    x: NDArray[np.float64], y: NDArray[np.float64], sites: _Sites
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return both nearest sites and the distance to their border, in a block that is near to few sites."""
    outside_x = np.maximum(np.maximum(x.min() - sites.x, sites.x - x.max()), 0)
    outside_y = np.maximum(np.maximum(y.min() - sites.y, sites.y - y.max()), 0)
    across_x = np.maximum(np.abs(x.min() - sites.x), np.abs(x.max() - sites.x))
    across_y = np.maximum(np.abs(y.min() - sites.y), np.abs(y.max() - sites.y))
    # a site is excluded if two others are nearer to every pixel
    limit = np.sort(np.hypot(across_x, across_y))[1]
    some = np.flatnonzero(np.hypot(outside_x, outside_y) <= limit)
    square = (x - sites.x[some, None, None]) ** 2 + (y - sites.y[some, None, None]) ** 2
    order = np.argpartition(square, 1, axis=0) if len(some) > 2 else np.argsort(square, axis=0)
    two = order[:2]
    pair = np.take_along_axis(square, two, axis=0)
    swap = pair[0] > pair[1]
    near, far = some[np.where(swap, two[1], two[0])], some[np.where(swap, two[0], two[1])]
    apart_m = np.hypot(sites.x[near] - sites.x[far], sites.y[near] - sites.y[far])
    return near, far, np.abs(pair[1] - pair[0]) / (2 * apart_m)


def _cut(
    along_m: NDArray[np.float64], step_m: Raster, owner: NDArray[np.int64], key: int, loose: float
) -> tuple[NDArray[np.int64], Raster]:
    """Cut a direction into pieces of about `step_m`; return the number of the piece, distance to its edge.

    Cut k lies at (k + loose * draw) steps with a draw in [-1, 1), so that cuts stay in order.
    """
    place = along_m / step_m
    piece = np.floor(place).astype(np.int64)

    def cut(k: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(k + loose * (2 * uniform(key, owner, k) - 1))

    below, above = cut(piece), cut(piece + 1)
    lower, upper = place < below, place >= above
    edge = np.minimum(np.abs(place - below), np.abs(place - above))
    return piece - lower + upper, (edge * step_m).astype(np.float32)
