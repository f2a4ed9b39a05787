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
from hinted_posenet.simulator.world import Bounds, Epoch, Window, World
from hinted_posenet.simulator.world.tiles import LEVELS, TILE_PX, Tile, TileCache, tiles_over
from hinted_posenet.simulator.world.world import Raster, Rgb
from hinted_posenet.types import Pose

Places = NDArray[np.float64]  # (H, W)
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
        x_m = centre[0] + depth_m * directions[..., 0]
        y_m = centre[1] + depth_m * directions[..., 1]
        bounds = self.world.bounds
        # tiles reach beyond the world, where nothing is known; a ray that misses them has depth inf
        inside = x_m.min() >= bounds.xmin and x_m.max() <= bounds.xmax
        inside = inside and y_m.min() >= bounds.ymin and y_m.max() <= bounds.ymax
        if not inside or not np.isfinite(depth_m).all():
            raise RuntimeError(f"rays from {centre.round(1).tolist()} m leave the world")
        return Frame(self._colour(x_m, y_m, depth_m, epoch), depth_m)

    def _tiles_seen(self, pose: Pose) -> list[Tile]:
        bounds = footprint(self.world, self.camera, pose)
        if bounds is None:
            raise RuntimeError(f"rays from {pose.t.numpy().round(1).tolist()} m leave the world")
        return tiles_over(self.world, bounds)

    def _colour(self, x_m: Places, y_m: Places, depth_m: Raster, epoch: Epoch) -> Rgb:
        """Orthophoto colour (H, W, 3) at places, averaged over about one ground pixel."""
        photo_px_m = self.world.lattice.resolution_m * self.camera.focal_px
        if depth_m.max() <= ONE_LEVEL * depth_m.min():
            level = float(np.clip(np.log2(depth_m.mean() / photo_px_m), 0.0, LEVELS - 1.0))
            fine = math.floor(level)
            image = self._lookup(x_m, y_m, fine, epoch)
            if level == fine:
                return image
            coarse = self._lookup(x_m, y_m, fine + 1, epoch)
            blend = cv2.addWeighted(image, 1 - (level - fine), coarse, level - fine, 0.0)
            return np.asarray(blend, np.uint8)
        levels = np.clip(np.log2(depth_m / photo_px_m), 0.0, LEVELS - 1.0)
        total = np.zeros((*depth_m.shape, 3), np.float32)
        for number in range(math.floor(levels.min()), math.ceil(levels.max()) + 1):
            share = np.maximum(1.0 - np.abs(levels - number), 0.0).astype(np.float32)
            inside = _box(share > 0)
            total[inside] += share[inside][..., None] * self._lookup(
                x_m[inside], y_m[inside], number, epoch
            )
        return np.asarray(np.rint(total), np.uint8)

    def _lookup(self, x_m: Places, y_m: Places, level: int, epoch: Epoch) -> Rgb:
        """Colours (H, W, 3) at places, bilinear at one mip level."""
        lattice, scale = self.world.lattice, 0.5**level
        col = (x_m - lattice.xmin) * (scale / lattice.resolution_m) - 0.5
        row = (lattice.ymax - y_m) * (scale / lattice.resolution_m) - 0.5
        top, left = math.floor(row.min()), math.floor(col.min())
        rows, cols = math.floor(row.max()) + 2 - top, math.floor(col.max()) + 2 - left
        photo = self.tiles.mosaic(Window(top, left, rows, cols), level, epoch)
        image = cv2.remap(
            photo,
            (col - left).astype(np.float32),
            (row - top).astype(np.float32),
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
