"""Rendering: one ray per pixel into the surface, colour from the orthophoto where it hits.

Vast worlds are rendered patch by patch: `Renderer.load` builds the surface under some poses, and
`Renderer.render` takes images of it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.viewpoint import footprint
from hinted_posenet.simulator.world import Bounds, Epoch, World
from hinted_posenet.simulator.world.tiles import LEVELS, TILE_PX, Tile, TileCache, tiles_over
from hinted_posenet.simulator.world.world import Raster, Rgb
from hinted_posenet.types import Pose

ONE_LEVEL = 1.5  # farthest over nearest depth up to which an image is looked up at one mip level


class Frame(NamedTuple):
    """What the camera sees from one pose."""

    rgb: Rgb  # (height, width, 3), before the camera's exposure and noise
    depth_m: Raster  # (height, width) along the camera's z axis


class Patch(NamedTuple):
    """The surface of some tiles, ready for rays; its coordinates are relative to (x_m, y_m)."""

    tiles: frozenset[Tile]
    x_m: float  # near the patch, so that float32 rays are exact however vast the world is
    y_m: float
    scene: o3d.t.geometry.RaycastingScene


class Renderer:
    """Renders one world with one camera.

    Args:
        world: what is seen.
        camera: the pinhole it is seen through.
        threads: threads that cast rays; 0 takes every core.
        memory_mb: of photo tiles and of surface tiles that are kept, each.
    """

    def __init__(
        self, world: World, camera: Camera, threads: int = 0, memory_mb: float = 400.0
    ) -> None:
        self.world, self.camera, self.threads = world, camera, threads
        self.tiles = TileCache(world, memory_mb)
        self._rays_cam = camera.pixel_rays()
        self._patch: Patch | None = None

    def load(self, poses: Iterable[Pose]) -> None:
        """Build the surface that these poses see, so that they are rendered without building more."""
        needed = frozenset(tile for pose in poses for tile in self._tiles_seen(pose))
        if self._patch is None or not needed <= self._patch.tiles:
            self._patch = None  # frees it before the next one is built
            self._patch = build_patch(self.tiles, needed)

    def render(self, T_world_cam: Pose, epoch: Epoch) -> Frame:
        """The image and depth from a pose (float64) whose rays all meet the world."""
        self.load([T_world_cam])
        patch = self._patch
        assert patch is not None
        # rows: where the camera's axes point in the world
        axes = rotate(T_world_cam.q, torch.eye(3, dtype=torch.float64)).numpy()
        directions = self._rays_cam @ axes  # (H, W, 3), one metre of depth long
        centre = T_world_cam.t.numpy()
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., :3], rays[..., 3:] = centre - [patch.x_m, patch.y_m, 0.0], directions
        hits = patch.scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=self.threads)
        depth_m: Raster = hits["t_hit"].numpy()
        if not np.isfinite(depth_m).all():
            raise RuntimeError(f"rays from {centre.round(1).tolist()} m leave the world")
        points_m = centre[:2] + depth_m[..., None] * directions[..., :2]
        return Frame(self._colour(points_m, depth_m, epoch), depth_m)

    def _tiles_seen(self, pose: Pose) -> list[Tile]:
        bounds = footprint(self.world, self.camera, pose)
        if bounds is None:
            raise RuntimeError(f"rays from {pose.t.numpy().round(1).tolist()} m leave the world")
        return tiles_over(self.world, bounds)

    def _colour(self, points_m: NDArray[np.float64], depth_m: Raster, epoch: Epoch) -> Rgb:
        """Orthophoto colour (H, W, 3) at points (H, W, 2), averaged over about one ground pixel."""
        photo_px_m = self.world.lattice.resolution_m * self.camera.focal_px
        if depth_m.max() <= ONE_LEVEL * depth_m.min():
            level = np.asarray(np.log2(depth_m.mean() / photo_px_m))
        else:
            level = np.log2(depth_m / photo_px_m)
        level = np.clip(level, 0.0, LEVELS - 1.0)
        lowest, highest = math.floor(level.min()), math.ceil(level.max())
        if lowest == highest:
            return self._lookup(points_m, lowest, epoch)
        image = np.zeros((*depth_m.shape, 3), np.float32)
        for number in range(lowest, highest + 1):
            share = np.maximum(1.0 - np.abs(level - number), 0.0).astype(np.float32)
            used = np.broadcast_to(share > 0, depth_m.shape)
            inside = _box(used)
            part = self._lookup(points_m[inside], number, epoch)
            image[inside] += (share if share.ndim == 0 else share[inside][..., None]) * part
        return np.asarray(np.rint(image), np.uint8)

    def _lookup(self, points_m: NDArray[np.float64], level: int, epoch: Epoch) -> Rgb:
        """Colours (H, W, 3) at points (H, W, 2), bilinear at one mip level."""
        lattice, scale = self.world.lattice, 0.5**level
        col = (points_m[..., 0] - lattice.xmin) / lattice.resolution_m * scale - 0.5
        row = (lattice.ymax - points_m[..., 1]) / lattice.resolution_m * scale - 0.5
        side = TILE_PX >> level
        first_col, last_col = math.floor(col.min() / side), math.floor((col.max() + 1) / side)
        first_row, last_row = math.floor(row.min() / side), math.floor((row.max() + 1) / side)
        photo = np.vstack(
            [
                np.hstack(
                    [
                        self.tiles.photo(Tile(r, c), epoch)[level]
                        for c in range(first_col, last_col + 1)
                    ]
                )
                for r in range(first_row, last_row + 1)
            ]
        )
        image = cv2.remap(
            photo,
            (col - first_col * side).astype(np.float32),
            (row - first_row * side).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(image, np.uint8)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest rectangle around what is set."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


def build_patch(cache: TileCache, tiles: frozenset[Tile]) -> Patch:
    """The surface of tiles as two triangles between every four nodes."""
    world = cache.world
    bounds = [world.lattice.bounds_of(tile.window) for tile in sorted(tiles)]
    middle = _middle(bounds)
    scene = o3d.t.geometry.RaycastingScene()
    nodes = TILE_PX // world.node_px + 1
    node = np.arange(nodes * nodes, dtype=np.uint32).reshape(nodes, nodes)
    nw, ne, sw, se = node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]
    triangles = o3d.core.Tensor.from_numpy(
        np.stack([nw, sw, ne, ne, sw, se], axis=-1).reshape(-1, 3)
    )
    for tile, extent in zip(sorted(tiles), bounds, strict=True):
        x = np.linspace(extent.xmin - middle[0], extent.xmax - middle[0], nodes)
        y = np.linspace(extent.ymax - middle[1], extent.ymin - middle[1], nodes)
        vertices = np.stack([*np.meshgrid(x, y), cache.surface(tile)], axis=-1).reshape(-1, 3)
        scene.add_triangles(o3d.core.Tensor.from_numpy(vertices.astype(np.float32)), triangles)
    return Patch(tiles, *middle, scene)


def _middle(bounds: Sequence[Bounds]) -> tuple[float, float]:
    x = min(b.xmin for b in bounds) + max(b.xmax for b in bounds)
    y = min(b.ymin for b in bounds) + max(b.ymax for b in bounds)
    return 0.5 * x, 0.5 * y
