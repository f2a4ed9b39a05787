"""Patch: the surface of some tiles as triangles, ready for rays.

Its scene counts photo pixels east and north from a pixel corner near its middle, and metres upwards.
Nodes are then whole numbers and ray origins multiples of `STEP_PX`, which float32 holds exactly: so a
ray meets the surface at the same depth, to the bit, whatever patch it is cast into.
"""

from collections.abc import Set

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hinted_posenet.simulator.world.tiles import TILE_PX, Tile, TileCache
from hinted_posenet.simulator.world.world import Raster

STEP_PX = 2.0**-10  # float32 holds its multiples up to 8192 pixels, 16 tiles from the middle


class Patch:
    """Two triangles between every four nodes of some tiles.

    Args:
        cache: of the world's tiles.
        tiles: that rays may meet.
    """

    def __init__(self, cache: TileCache, tiles: Set[Tile]) -> None:
        self.tiles = tiles
        rows, cols = [tile.row for tile in tiles], [tile.col for tile in tiles]
        self.row = (min(rows) + max(rows) + 1) // 2 * TILE_PX
        self.col = (min(cols) + max(cols) + 1) // 2 * TILE_PX
        self.scene = o3d.t.geometry.RaycastingScene()
        node_px = cache.world.node_px
        nodes = TILE_PX // node_px + 1
        triangles = o3d.core.Tensor.from_numpy(_triangles(nodes))
        steps = node_px * np.arange(nodes, dtype=np.float32)
        for tile in sorted(tiles):
            east = tile.window.col - self.col + steps
            north = self.row - tile.window.row - steps
            vertices = np.stack([*np.meshgrid(east, north), cache.surface(tile)], axis=-1)
            self.scene.add_triangles(o3d.core.Tensor.from_numpy(vertices.reshape(-1, 3)), triangles)

    def rays(
        self, row_px: float, col_px: float, z_m: float, directions: Raster
    ) -> NDArray[np.float32]:
        """Rays (H, W, 6) for the scene from a place on the lattice.

        Args:
            row_px: of the place, south of the lattice's north edge.
            col_px: of the place, east of the lattice's west edge.
            z_m: its height.
            directions: (H, W, 3) pixels east, pixels north, metres up; one metre of depth long.
        """
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., 0] = round(col_px / STEP_PX) * STEP_PX - self.col
        rays[..., 1] = self.row - round(row_px / STEP_PX) * STEP_PX
        rays[..., 2] = z_m
        cv2.mixChannels([directions], [rays], [0, 3, 1, 4, 2, 5])  # numpy takes five times as long
        return rays

    def depth_m(self, rays: NDArray[np.float32], threads: int) -> Raster:
        """Where rays (H, W, 6) meet the surface: (H, W), inf where they do not."""
        hits = self.scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=threads)
        depth_m: Raster = hits["t_hit"].numpy()
        return depth_m


def _triangles(nodes: int) -> NDArray[np.uint32]:
    """Indices (N, 3) into nodes x nodes vertices, row by row."""
    node = np.arange(nodes * nodes, dtype=np.uint32).reshape(nodes, nodes)
    nw, ne, sw, se = node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]
    return np.stack([nw, sw, ne, ne, sw, se], axis=-1).reshape(-1, 3)
