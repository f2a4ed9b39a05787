"""Terrain and water of a procedural world."""

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from hinted_posenet.simulator.world.land import Cover, Land, Mask, fractal_noise, smoothstep
from hinted_posenet.simulator.world.world import Raster


def make_terrain(
    shape: tuple[int, int],
    resolution_m: float,
    relief_m: float,
    relief_scale_m: float,
    generator: np.random.Generator,
) -> Land:
    """Hills, a river from one edge to the other, lakes in hollows; relief is one deviation."""
    terrain = fractal_noise(shape, relief_scale_m / resolution_m, generator, octaves=5)
    terrain = (terrain - terrain.min()) * np.float32(relief_m / 2)
    river = _river(shape, resolution_m, generator)
    lakes = _lakes(terrain, river, resolution_m, generator)
    terrain = _flatten(terrain, river, resolution_m, bank_m=260.0)
    for lake in lakes:
        terrain = _flatten(terrain, lake, resolution_m, bank_m=140.0)
    land = Land.empty(terrain, resolution_m)
    water = np.logical_or.reduce([river, *lakes])
    dry_m = distance_transform_edt(~water) * resolution_m
    wobble = fractal_noise(shape, 25 / resolution_m, generator, octaves=3)
    land.ground[dry_m < 4 + 2 * wobble] = Cover.SHORE
    land.ground[water] = Cover.WATER
    return land


def _river(shape: tuple[int, int], resolution_m: float, generator: np.random.Generator) -> Mask:
    """A meandering band across the world."""
    rows, cols = shape
    along = np.linspace(-0.05, 1.05, 240)
    across = np.full(along.shape, generator.uniform(0.3, 0.7))
    for waves in (0.8, 2.1, 4.7, 9.0):
        phase, size = generator.uniform(0, 2 * np.pi), generator.uniform(0.5, 1.0)
        across += 0.16 / waves * size * np.sin(2 * np.pi * waves * along + phase)
    x, y = along * cols, across * rows
    if generator.random() < 0.5:
        x, y = across * cols, along * rows
    line = np.stack([x, y], axis=-1).round().astype(np.int32)
    canvas = np.zeros(shape, np.uint8)
    width_m = generator.uniform(18, 30)
    cv2.polylines(canvas, [line], False, 1, max(1, round(width_m / resolution_m)))
    # a wider core with noise on its bank, so that the river is not a pipe
    distance_m = distance_transform_edt(canvas == 0) * resolution_m
    noise = fractal_noise(shape, 90 / resolution_m, generator, octaves=4)
    return np.asarray(distance_m < np.maximum(3 + 3 * noise, 1))


def _lakes(
    terrain: Raster, river: Mask, resolution_m: float, generator: np.random.Generator
) -> list[Mask]:
    """One lake and a few ponds, in hollows away from the river."""
    rows, cols = terrain.shape
    size_m = min(rows, cols) * resolution_m
    radii_m = [0.07 * size_m, *(generator.uniform(0.008, 0.03, 4) * size_m)]
    free = distance_transform_edt(~river) * resolution_m
    row, col = np.mgrid[0:rows, 0:cols].astype(np.float32)
    lakes: list[Mask] = []
    for radius_m in radii_m:
        radius_m = max(radius_m, 8.0)
        places = generator.uniform(0.08, 0.92, (40, 2)) * [rows, cols]
        spots = [(int(r), int(c)) for r, c in places]
        fitting = [spot for spot in spots if free[spot] > 2.2 * radius_m]
        if not fitting:
            continue
        r, c = min(fitting, key=lambda spot: float(terrain[spot]))
        noise = fractal_noise(terrain.shape, 1.3 * radius_m / resolution_m, generator)
        distance_m = np.hypot(row - r, (col - c) * generator.uniform(0.6, 1.5)) * resolution_m
        lake = np.asarray(distance_m < radius_m * (1 + 0.35 * noise))
        lakes.append(lake)
        free = np.minimum(free, np.maximum(distance_m - 1.5 * radius_m, 0.0))
    return lakes


def _flatten(terrain: Raster, water: Mask, resolution_m: float, bank_m: float) -> Raster:
    """Water lies level, a little below the lowest ground at it, and its banks rise smoothly."""
    if not water.any():
        return terrain
    level = terrain[water].min() - np.float32(1.0)
    distance = distance_transform_edt(~water).astype(np.float32) * np.float32(resolution_m / bank_m)
    return np.asarray(level + (terrain - level) * smoothstep(distance), np.float32)
