"""Rendering: one ray per pixel into the surface, colour from the orthophoto where it hits."""

import math
from typing import NamedTuple

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Epoch, World
from hinted_posenet.simulator.world.world import Raster, Rgb
from hinted_posenet.types import Pose


class Frame(NamedTuple):
    """What the camera sees from one pose."""

    rgb: Rgb  # (height, width, 3), before the camera's exposure and noise
    depth_m: Raster  # (height, width) along the camera's z axis


class Renderer:
    """Renders one world with one camera; keeps the orthophoto of the last epoch it was shown at.

    Args:
        world: what is seen.
        camera: the pinhole it is seen through.
        threads: threads that cast rays; 0 takes every core.
    """

    def __init__(self, world: World, camera: Camera, threads: int = 0) -> None:
        self.world, self.camera, self.threads = world, camera, threads
        self._rays_cam = camera.pixel_rays()
        self._scene = surface_scene(world)
        self._epoch: Epoch | None = None
        self._levels: list[Rgb] = []

    def show(self, epoch: Epoch) -> None:
        """Paint the world as of `epoch`, in steps of half the resolution."""
        if epoch == self._epoch:
            return
        self._epoch, self._levels = epoch, [self.world.orthophoto(epoch)]
        while min(self._levels[-1].shape[:2]) > 16:
            rows, cols = self._levels[-1].shape[:2]
            half = ((cols + 1) // 2, (rows + 1) // 2)
            # area averages stay aligned; pyrDown would shift each level by half a pixel
            smaller = cv2.resize(self._levels[-1], half, interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(smaller, np.uint8))

    def render(self, T_world_cam: Pose, epoch: Epoch) -> Frame:
        """The image and depth from a pose (float64) whose rays all meet the world."""
        self.show(epoch)
        # rows: where the camera's axes point in the world
        axes = rotate(T_world_cam.q, torch.eye(3, dtype=torch.float64)).numpy()
        directions = self._rays_cam @ axes  # (H, W, 3), one metre of depth long
        centre = T_world_cam.t.numpy()
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., :3], rays[..., 3:] = centre, directions
        hits = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=self.threads)
        depth_m: Raster = hits["t_hit"].numpy()
        if not np.isfinite(depth_m).all():
            raise RuntimeError(f"rays from {centre.round(1).tolist()} m leave the world")
        points = centre[:2] + depth_m[..., None] * directions[..., :2]
        ground_pixel_m = float(depth_m.mean()) / self.camera.focal_px
        return Frame(self._colour(points, ground_pixel_m), depth_m)

    def _colour(self, points_m: NDArray[np.float64], ground_pixel_m: float) -> Rgb:
        """Orthophoto colour (H, W, 3) at points (H, W, 2), averaged over about one ground pixel."""
        finest_m = self.world.bounds.width_m / self._levels[0].shape[1]
        level = min(max(math.log2(ground_pixel_m / finest_m), 0.0), len(self._levels) - 1.0)
        fine, coarse = math.floor(level), math.ceil(level)
        image = self._lookup(points_m, self._levels[fine])
        if coarse == fine:
            return image
        share = level - fine
        other = self._lookup(points_m, self._levels[coarse])
        return np.asarray(cv2.addWeighted(image, 1 - share, other, share, 0.0), np.uint8)

    def _lookup(self, points_m: NDArray[np.float64], photo: Rgb) -> Rgb:
        bounds, (rows, cols) = self.world.bounds, photo.shape[:2]
        col = (points_m[..., 0] - bounds.xmin) / bounds.width_m * cols - 0.5
        row = (bounds.ymax - points_m[..., 1]) / bounds.height_m * rows - 0.5
        image = cv2.remap(
            photo,
            col.astype(np.float32),
            row.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(image, np.uint8)


def surface_scene(world: World) -> o3d.t.geometry.RaycastingScene:
    """The surface as two triangles between every four nodes."""
    rows, cols = world.surface_m.shape
    x = np.linspace(world.bounds.xmin, world.bounds.xmax, cols, dtype=np.float32)
    y = np.linspace(world.bounds.ymax, world.bounds.ymin, rows, dtype=np.float32)
    vertices = np.stack([*np.meshgrid(x, y), world.surface_m], axis=-1).reshape(-1, 3)
    node = np.arange(rows * cols, dtype=np.uint32).reshape(rows, cols)
    nw, ne, sw, se = node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]
    triangles = np.stack([nw, sw, ne, ne, sw, se], axis=-1).reshape(-1, 3)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(triangles))
    return scene
