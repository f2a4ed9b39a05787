"""World from a seed: hills, water, fields, forests, villages and roads, painted for each season."""

from collections.abc import Mapping

import cv2
import numpy as np

from hinted_posenet.simulator.season import Painter, Season
from hinted_posenet.simulator.world.array import ArrayWorld
from hinted_posenet.simulator.world.fields import plant_fields
from hinted_posenet.simulator.world.lattice import Lattice
from hinted_posenet.simulator.world.terrain import make_terrain
from hinted_posenet.simulator.world.trees import plant_trees
from hinted_posenet.simulator.world.villages import settle
from hinted_posenet.simulator.world.world import Epoch, Raster, World
from hinted_posenet.types import InputError


def procedural_world(
    seed: int,
    seasons: Mapping[str, Season],
    size_m: float = 2000.0,
    resolution_m: float = 1.0,
    surface_resolution_m: float = 2.0,
    relief_m: float = 14.0,
    relief_scale_m: float = 700.0,
    forest_share: float = 0.22,
    villages: int = 5,
    farms: int = 8,
    district_m: float = 420.0,
    latitude_deg: float = 47.0,
) -> World:
    """Square world centred on (0, 0); the same arguments give the same bytes.

    Args:
        seed: of everything that is drawn.
        seasons: name -> season; each is one epoch.
        size_m: side of the world.
        resolution_m: ground pixel of the orthophoto.
        surface_resolution_m: distance of the surface's nodes.
        relief_m: standard deviation of the terrain height.
        relief_scale_m: size of the hills.
        forest_share: of the land.
        villages: number of villages, connected by roads.
        farms: number of single farms.
        district_m: size of the districts within which fields have one direction.
        latitude_deg: for the sun.
    """
    if size_m < 100 or resolution_m <= 0 or surface_resolution_m < resolution_m:
        raise InputError(
            "world: expected size_m >= 100 and 0 < resolution_m <= surface_resolution_m, got "
            f"{size_m}, {resolution_m}, {surface_resolution_m}"
        )
    side, node_px = round(size_m / resolution_m), round(surface_resolution_m / resolution_m)
    if side % node_px:
        raise InputError(
            f"world: size_m={size_m:g} is no multiple of surface_resolution_m="
            f"{surface_resolution_m:g}; change one of them"
        )
    generator = np.random.default_rng(seed)
    land = make_terrain((side, side), resolution_m, relief_m, relief_scale_m, generator)
    hedge = plant_fields(land, district_m, generator)
    settle(land, villages, farms, generator)
    plant_trees(land, forest_share, hedge, generator)
    painter = Painter(land, seasons, latitude_deg, generator)
    half = 0.5 * side * resolution_m
    epochs = [Epoch(name, name, season.date) for name, season in seasons.items()]
    return ArrayWorld(
        Lattice(-half, half, resolution_m, side, side),
        {epoch: painter.paint(epoch) for epoch in epochs},
        _nodes(land.surface_m, side // node_px + 1),
        node_px,
    )


def _nodes(surface_m: Raster, count: int) -> Raster:
    """Heights of pixel areas -> (count, count) nodes over the same bounds, border included."""
    at = np.linspace(-0.5, surface_m.shape[0] - 0.5, count, dtype=np.float32)
    col, row = np.meshgrid(at, at)
    nodes = cv2.remap(surface_m, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(nodes, np.float32)
