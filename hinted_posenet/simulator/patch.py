"""Patch: the surface of some cells as triangles, ready for rays.

Its scene counts photo pixels east and north from a pixel corner near its middle, and metres upwards.
Nodes are then whole numbers and ray origins multiples of `STEP_PX`, which float32 holds exactly: so a
ray meets the surface at the same depth, to the bit, whatever patch it is cast into.
"""

from collections.abc import Iterable, Set

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Bounds, Window, World
from hinted_posenet.simulator.world.tiles import TILE_PX, TileCache
from hinted_posenet.simulator.world.world import Raster

# a fraction of a tile: building the tree of what no image sees costs more than the rays
CELL_PX = 128
STEP_PX = 2.0**-10  # float32 holds its multiples up to 8192 pixels, 16 tiles from the middle


class Patch:
    """Two triangles between every four nodes of some cells.

    Args:
        cache: of the world's tiles.
        cells: of `cells_over` what rays may meet.
    """

    def __init__(self, cache: TileCache, cells: Set[Window]) -> None:
        self.cells = cells
        corners = np.array([(cell.row, cell.col) for cell in cells])
        self.row, self.col = ((corners.min(axis=0) + corners.max(axis=0)) // 2).tolist()
        self.scene = o3d.t.geometry.RaycastingScene()
        node_px, size_px = cache.world.node_px, cell_px(cache.world)
        triangles = o3d.core.Tensor.from_numpy(_triangles(size_px // node_px + 1))
        steps = np.arange(0, size_px + 1, node_px, dtype=np.float32)
        for cell in sorted(cells):
            x, y = np.meshgrid(cell.col - self.col + steps, self.row - cell.row - steps)
            vertices = np.stack([x, y, _nodes(cache, cell)], axis=-1).reshape(-1, 3)
            self.scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), triangles)

    def rays(
        self, row_px: float, col_px: float, z_m: float, directions: Raster
    ) -> NDArray[np.float32]:
        """Rays (H, W, 6) for the scene from a place on the pixel grid.

        Args:
            row_px: of the place, south of the pixel grid's north edge.
            col_px: of the place, east of the pixel grid's west edge.
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


def cell_px(world: World) -> int:
    """Side of a cell."""
    return max(CELL_PX, world.node_px)


def cells_over(world: World, bounds: Bounds) -> Iterable[Window]:
    """Cells that cover ``bounds``."""
    size_px = cell_px(world)
    return world.pixel_grid.window_of(bounds, size_px).blocks(size_px)


def _nodes(cache: TileCache, cell: Window) -> Raster:
    """Heights of a cell's nodes, its border included."""
    (tile,) = cell.blocks(TILE_PX)
    rows, cols = cell.within(tile)
    step = cache.world.node_px
    return cache.surface(tile)[
        rows.start // step : rows.stop // step + 1, cols.start // step : cols.stop // step + 1
    ]


def _triangles(nodes: int) -> NDArray[np.uint32]:
    """Indices (N, 3) into nodes x nodes vertices, row by row."""
    node = np.arange(nodes * nodes, dtype=np.uint32).reshape(nodes, nodes)
    nw, ne, sw, se = node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]
    return np.stack([nw, sw, ne, ne, sw, se], axis=-1).reshape(-1, 3)
