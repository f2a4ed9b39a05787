"""A patch of a world's surface as triangles that rays are cast at.

Its scene counts photo pixels east and north from a pixel corner near its middle, and metres upwards.
Nodes are then whole numbers and ray origins multiples of `STEP_PX`, which float32 holds exactly: so a
ray meets the surface at the same depth, to the bit, in every patch.
"""

from collections.abc import Iterable, Set

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Bounds, Raster, Window, World
from hinted_posenet.simulator.world.tiles import TILE_PX, TileCache

# a fraction of a tile: building the tree of unseen ground costs more than the rays
CELL_PX = 128
STEP_PX = 2.0**-10  # float32 holds its multiples up to 8192 pixels, 16 tiles from the middle


class Patch:
    """Two triangles between every four nodes of those `cells_over` the ground that rays may meet."""

    def __init__(self, cache: TileCache, cells: Set[Window]) -> None:
        self.cells = cells
        corners = np.array([(cell.row, cell.col) for cell in cells])
        self.row, self.col = ((corners.min(axis=0) + corners.max(axis=0)) // 2).tolist()
        self.scene = o3d.t.geometry.RaycastingScene()
        node_px, size_px = cache.world.node_px, cell_px(cache.world)
        triangles = o3d.core.Tensor.from_numpy(grid_triangles(*[size_px // node_px + 1] * 2))
        steps = np.arange(0, size_px + 1, node_px, dtype=np.float32)
        for cell in sorted(cells):
            x, y = np.meshgrid(cell.col - self.col + steps, self.row - cell.row - steps)
            (tile,) = cell.blocks(TILE_PX)
            sides = (slice(s.start // node_px, s.stop // node_px + 1) for s in cell.within(tile))
            heights_m = cache.surface(tile)[tuple(sides)]
            vertices = np.stack([x, y, heights_m], axis=-1).reshape(-1, 3)
            self.scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), triangles)

    def rays(
        self, row_px: float, col_px: float, z_m: float, directions: Raster
    ) -> NDArray[np.float32]:
        """Return rays (H, W, 6) for the scene from a place, in fractional pixels of the pixel grid.

        ``directions`` (H, W, 3) are pixels east, pixels north and metres up per metre of depth.
        """
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., 0] = round(col_px / STEP_PX) * STEP_PX - self.col
        rays[..., 1] = self.row - round(row_px / STEP_PX) * STEP_PX
        rays[..., 2] = z_m
        cv2.mixChannels([directions], [rays], [0, 3, 1, 4, 2, 5])  # numpy takes five times as long
        return rays

    def depth_m(self, rays: NDArray[np.float32], threads: int) -> Raster:
        """Return the depth (H, W) at which rays (H, W, 6) meet the surface; inf where they do not."""
        hits = self.scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=threads)
        depth_m: Raster = hits["t_hit"].numpy()
        return depth_m


def cell_px(world: World) -> int:
    """Return the side of a cell."""
    return max(CELL_PX, world.node_px)


def cells_over(world: World, bounds: Bounds) -> Iterable[Window]:
    """Return the cells that cover ``bounds``."""
    size_px = cell_px(world)
    return world.pixel_grid.window_of(bounds, size_px).blocks(size_px)


def grid_triangles(rows: int, cols: int) -> NDArray[np.uint32]:
    """Return two triangles (N, 3), facing up, between every four of rows x cols vertices, row by row."""
    node = np.arange(rows * cols, dtype=np.uint32).reshape(rows, cols)
    nw, ne, sw, se = node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]
    return np.stack([nw, sw, ne, ne, sw, se], axis=-1).reshape(-1, 3)
