"""Trees: their places, density and kind, and their crowns in the surface."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Cover, PixelGrid, Raster, Window
from hinted_posenet.simulator.world.generated.fields import Fields
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform

SPACING_M = 5.6  # of the grid, each cell of which holds one tree at most
JITTER = 0.8  # of a cell
RADIUS_M, REACH_M = 5.0, 6.5  # of the largest crown: average, and longest branch
# share of the cells of the tree grid that hold a tree, and the size of trees there
DENSITY = {Cover.FOREST: 0.93, Cover.YARD: 0.13, Cover.GRASS: 0.006, Cover.PAVED: 0.03}
SIZE = {Cover.YARD: 0.7, Cover.GRASS: 0.8, Cover.PAVED: 0.6}


class Crowns(NamedTuple):
    """Layers (rows, cols) of trees above the ground."""

    height_m: Raster  # above the ground; 0 where there is no tree
    kind: NDArray[np.uint8]  # 0, or Cover.DECIDUOUS or CONIFER
    tone: Raster  # [0, 1), one value a tree


def margin_px(resolution_m: float) -> int:
    """Return the width of the border of pixels around a window whose trees reach into it."""
    return math.ceil(REACH_M / resolution_m) + 1


def grow_trees(
    pixel_grid: PixelGrid,
    window: Window,
    density: Raster,
    conifers: Raster,
    size: Raster,
    ragged: Raster,
    seed: int,
) -> Crowns:
    """Grow crowns over a window; from `margin_px` off its edge they are the same in every window.

    The layers (rows, cols) are the share ``density`` of the cells that hold a tree, the share
    ``conifers`` of those, the factor ``size`` of radius and height, and the noise ``ragged`` of
    deviation 1 for the outlines.
    """
    res, shape = pixel_grid.resolution_m, density.shape
    key = stream(seed, "tree")
    bounds = pixel_grid.bounds_of(window)
    cells = np.meshgrid(
        np.arange(math.floor(bounds.xmin / SPACING_M), math.ceil(bounds.xmax / SPACING_M)),
        np.arange(math.floor(bounds.ymin / SPACING_M), math.ceil(bounds.ymax / SPACING_M)),
    )
    i, j = (cell.ravel() for cell in cells)
    x = (i + 0.1 + JITTER * uniform(key, i, j, 0)) * SPACING_M
    y = (j + 0.1 + JITTER * uniform(key, i, j, 1)) * SPACING_M
    col = np.floor((x - pixel_grid.xmin) / res).astype(np.int64) - window.col
    row = np.floor((pixel_grid.ymax - y) / res).astype(np.int64) - window.row
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    i, j, x, y, row, col = (part[inside] for part in (i, j, x, y, row, col))
    there = uniform(key, i, j, 2) < density[row, col]
    i, j, x, y, row, col = (part[there] for part in (i, j, x, y, row, col))
    conifer = uniform(key, i, j, 3) < conifers[row, col]
    draw, tone = uniform(key, i, j, 4), uniform(key, i, j, 5).astype(np.float32)
    scale = size[row, col]
    radius_m = np.minimum(np.where(conifer, 1.9 + 1.6 * draw, 2.5 + 3.0 * draw) * scale, RADIUS_M)
    height_m = np.where(conifer, 11 + 12 * draw, 6 + 13 * draw) * scale
    turn, stretch = np.pi * uniform(key, i, j, 6), uniform(key, i, j, 7)
    cos, sin, short = np.cos(turn), np.sin(turn), np.where(conifer, 1.0, 1.0 + 0.35 * stretch)
    long = 1 / short
    # factors of dx2, dx dy and dy2 in the squared distance from the center of a crown
    ellipse = (
        long * cos * cos + short * sin * sin,
        2 * (long - short) * cos * sin,
        long * sin * sin + short * cos * cos,
    )

    crowns = Crowns(
        np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    )
    reach_px = math.ceil(REACH_M / res)
    reach = np.arange(-reach_px, reach_px + 1)
    down, right = (part.ravel() for part in np.meshgrid(reach, reach, indexing="ij"))
    # trees of one group never share a pixel, so that a whole group can be drawn at once
    apart = math.ceil((2 * reach_px + 2) * res / SPACING_M + JITTER)
    for group in range(apart * apart):
        here = np.flatnonzero((i % apart) * apart + j % apart == group)
        at_row, at_col = row[here, None] + down, col[here, None] + right
        dx = pixel_grid.xmin + (window.col + at_col + 0.5) * res - x[here, None]
        dy = pixel_grid.ymax - (window.row + at_row + 0.5) * res - y[here, None]
        a, b, c = (part[here, None] for part in ellipse)
        square = (a * dx * dx + b * dx * dy + c * dy * dy) / radius_m[here, None] ** 2
        near = (square < 1.6) & (at_row >= 0) & (at_row < shape[0]) & (at_col >= 0)
        tree, pixel = np.nonzero(near & (at_col < shape[1]))
        r, c = at_row[tree, pixel], at_col[tree, pixel]
        far = square[tree, pixel].astype(np.float32) * (1 + np.float32(0.22) * ragged[r, c])
        which = here[tree]
        slope = np.where(conifer[which], 0.65 * np.sqrt(np.maximum(far, 0)), 0.55 * far)
        top_m = (height_m[which] * (1 - slope)).astype(np.float32)
        higher = (far < 1) & (top_m > crowns.height_m[r, c])
        r, c, which = r[higher], c[higher], which[higher]
        crowns.height_m[r, c] = top_m[higher]
        crowns.kind[r, c] = np.where(conifer[which], Cover.CONIFER, Cover.DECIDUOUS)
        crowns.tone[r, c] = tone[which]
    return crowns


def plant_trees(
    pixel_grid: PixelGrid,
    window: Window,
    ground: NDArray[np.uint8],
    fields: Fields,
    shore_m: Raster,
    road_m: Raster,
    seed: int,
) -> Crowns:
    """Plant forests, hedges, avenues, wooded banks and single trees over a window.

    ``ground`` (rows, cols) has Cover codes, ``shore_m`` and ``road_m`` the distances to the nearest shore
    and road.
    """
    density = np.array([DENSITY.get(cover, 0) for cover in Cover], np.float32)[ground]
    size = np.array([SIZE.get(cover, 1) for cover in Cover], np.float32)[ground]
    farmland = np.isin(ground, (Cover.FIELD, Cover.GRASS))
    groups = place_noise(pixel_grid, window, seed, "groups", 120.0, 3)
    bank = farmland & (shore_m < 13) & (groups > -0.4)
    edge = fields.district_edge_m
    hedge = farmland & (fields.hedge < 0.45) & (edge > 2.3) & (edge < 6.5) & (groups > -0.3)
    avenue = (ground == Cover.GRASS) & (road_m > 1.0) & (road_m < 4.5) & (groups > 0.6)
    density[bank], size[bank] = 0.5, 0.85
    density[hedge], size[hedge] = 0.75, 0.6
    density[avenue] = 0.5
    density[(road_m < 0.8) | np.isin(ground, (Cover.ROAD, Cover.TRACK, Cover.ROOF))] = 0
    stand = place_noise(pixel_grid, window, seed, "stand", 260.0, 4)
    conifers = np.where((ground == Cover.FOREST) & (stand > 0.3), 0.93, 0.05)
    ragged = place_noise(pixel_grid, window, seed, "ragged", 2.2, 1)
    return grow_trees(pixel_grid, window, density, conifers.astype(np.float32), size, ragged, seed)


def place_noise(
    pixel_grid: PixelGrid, window: Window, seed: int, name: str, scale_m: float, octaves: int
) -> Raster:
    """Return named noise (rows, cols) of a world, with features in metres; see `fractal_noise`."""
    scale_px = max(scale_m / pixel_grid.resolution_m, 1.5)
    return fractal_noise(window, scale_px, stream(seed, name), octaves)
