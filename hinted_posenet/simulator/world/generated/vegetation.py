"""Vegetation: where trees stand, and how dense, how large and of what kind."""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.fields import Fields
from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.trees import Crowns, grow_trees
from hinted_posenet.simulator.world.lattice import Lattice, Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream
from hinted_posenet.simulator.world.world import Raster

# share of the cells of the tree grid that hold a tree, and the size of trees there
DENSITY = {Cover.FOREST: 0.93, Cover.YARD: 0.13, Cover.GRASS: 0.006, Cover.PAVED: 0.03}
SIZE = {Cover.YARD: 0.7, Cover.GRASS: 0.8, Cover.PAVED: 0.6}


def plant_trees(
    lattice: Lattice,
    window: Window,
    ground: NDArray[np.uint8],
    fields: Fields,
    shore_m: Raster,
    road_m: Raster,
    seed: int,
) -> Crowns:
    """Forests, hedges, avenues, wooded banks and single trees over a window.

    Args:
        lattice: of the window.
        window: of all layers.
        ground: Cover codes (rows, cols).
        fields: of the window.
        shore_m: distance to the nearest shore.
        road_m: distance to the nearest road.
        seed: of the world.
    """
    density = np.zeros(len(Cover), np.float32)
    size = np.ones(len(Cover), np.float32)
    for cover, share in DENSITY.items():
        density[cover] = share
    for cover, factor in SIZE.items():
        size[cover] = factor
    density, size = density[ground], size[ground]
    farmland = np.isin(ground, (Cover.FIELD, Cover.GRASS))
    groups = place_noise(lattice, window, seed, "groups", 120.0, 3)
    bank = farmland & (shore_m < 13) & (groups > -0.4)
    edge = fields.district_edge_m
    hedge = farmland & (fields.hedge < 0.45) & (edge > 2.3) & (edge < 6.5) & (groups > -0.3)
    avenue = (ground == Cover.GRASS) & (road_m > 1.0) & (road_m < 4.5) & (groups > 0.6)
    density[bank], size[bank] = 0.5, 0.85
    density[hedge], size[hedge] = 0.75, 0.6
    density[avenue] = 0.5
    density[(road_m < 0.8) | np.isin(ground, (Cover.ROAD, Cover.TRACK, Cover.ROOF))] = 0
    stand = place_noise(lattice, window, seed, "stand", 260.0, 4)
    conifers = np.where((ground == Cover.FOREST) & (stand > 0.3), 0.93, 0.05)
    ragged = place_noise(lattice, window, seed, "ragged", 2.2, 1)
    return grow_trees(lattice, window, density, conifers.astype(np.float32), size, ragged, seed)


def place_noise(
    lattice: Lattice, window: Window, seed: int, name: str, scale_m: float, octaves: int
) -> Raster:
    """Named noise (rows, cols) of a world, of features in metres; see `fractal_noise`."""
    scale_px = max(scale_m / lattice.resolution_m, 1.5)
    return fractal_noise(window, scale_px, stream(seed, name), octaves)
