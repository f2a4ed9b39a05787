"""Trees: forests, hedges, and single trees in yards and along banks."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from hinted_posenet.simulator.world.land import Cover, Land, Mask, fractal_noise
from hinted_posenet.simulator.world.world import Raster


def plant_trees(
    land: Land, forest_share: float, hedge: Mask, generator: np.random.Generator
) -> None:
    """Turn a share of the fields into forest, and set every tree into the surface height."""
    shape, res = land.ground.shape, land.resolution_m
    wooded = fractal_noise(shape, 330 / res, generator, octaves=5)
    land_use = np.isin(land.ground, (Cover.FIELD, Cover.GRASS))
    built = np.isin(land.ground, (Cover.ROOF, Cover.YARD, Cover.ROAD))
    clear_m = distance_transform_edt(~built) * res
    near_water_m = distance_transform_edt(land.ground != Cover.WATER) * res
    woods = land_use & (wooded > np.quantile(wooded, 1 - forest_share))
    land.ground[woods] = Cover.GRASS  # clearings, where something is built
    forest = woods & (clear_m > 14)
    land.ground[forest] = Cover.FOREST
    density: Raster = np.zeros(shape, np.float32)
    density[forest] = 0.93
    density[land_use & ~forest] = 0.002
    density[land.ground == Cover.YARD] = 0.14
    density[land_use & (near_water_m < 14)] = 0.35
    hedge_m = distance_transform_edt(~hedge) * res
    patches = fractal_noise(shape, 120 / res, generator, octaves=3) > 0.35
    density[land_use & patches & (hedge_m > 2.5) & (hedge_m < 7.5)] = 0.7
    density[np.isin(land.ground, (Cover.ROAD, Cover.ROOF, Cover.WATER, Cover.TRACK))] = 0
    stand = fractal_noise(shape, 200 / res, generator, octaves=4)
    # conifers grow in stands within the forest; hedges and yards are deciduous
    conifer = forest & (stand > 0.25)
    land.leafless_m = land.surface_m.copy()
    for row, col in _places(density, 6.0 / res, generator):
        _plant(land, row, col, bool(conifer[int(row), int(col)]), generator)


def _places(
    density: Raster, spacing_px: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Jittered grid (n, 2) of rows and columns, thinned to the density."""
    rows, cols = density.shape
    grid = np.mgrid[0 : rows / spacing_px, 0 : cols / spacing_px].reshape(2, -1).T
    places = (grid + generator.uniform(0.05, 0.95, grid.shape)) * spacing_px
    places = places[(places < [rows, cols]).all(axis=1)]
    index = places.astype(np.intp)
    return np.asarray(places[generator.random(len(places)) < density[index[:, 0], index[:, 1]]])


def _plant(
    land: Land, row: float, col: float, is_conifer: bool, generator: np.random.Generator
) -> None:
    """One crown: a cone or a dome, on top of what is lower."""
    draw = generator.random(4)
    if is_conifer:
        radius_m, height_m = 2.2 + 1.6 * draw[0], 11 + 12 * draw[1]
    else:
        radius_m, height_m = 2.4 + 3.0 * draw[0], 5 + 11 * draw[1]
    radius = radius_m / land.resolution_m
    window, dc, dr = land.window(col, row, radius)
    # relative squared distance; a ragged edge keeps crowns from being perfect circles
    angle = np.arctan2(dr, dc)
    ragged = 1 + 0.16 * np.sin(3 * angle + 6.3 * draw[2]) + 0.12 * np.sin(5 * angle + 20 * draw[3])
    distance = np.hypot(dc, dr) / (radius * ragged)
    crown_m = height_m * (1 - 0.6 * distance if is_conifer else 1 - 0.5 * distance**2)
    base_m = land.surface_m[window]
    top_m = base_m.min() + crown_m  # the lowest pixel around is the ground
    higher = (distance < 1) & (top_m > base_m)
    higher &= land.ground[window] != Cover.ROOF
    land.surface_m[window][higher] = top_m[higher]
    if is_conifer:
        land.leafless_m[window][higher] = top_m[higher]
    land.crown[window][higher] = Cover.CONIFER if is_conifer else Cover.DECIDUOUS
    land.crown_tone[window][higher] = draw[3]
