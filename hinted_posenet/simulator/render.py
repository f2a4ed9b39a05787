"""Rendering: one ray per pixel into the surface, colour from the orthophoto where it hits.

Vast worlds are rendered patch by patch: `Renderer.load` builds the surface under some poses, and
`Renderer.render` takes images of it. An image is a function of pose and capture alone, to the bit: what was
loaded or rendered before does not change it.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.geometry import rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera, footprint
from hinted_posenet.simulator.patch import Patch, cells_over
from hinted_posenet.simulator.world import Capture, Window, World
from hinted_posenet.simulator.world.tiles import LEVELS, TileCache
from hinted_posenet.simulator.world.world import Raster, Rgb

ONE_LEVEL = 1.5  # farthest over nearest depth up to which an image is looked up at one mip level


class Frame(NamedTuple):
    """What the camera sees from one pose."""

    rgb: Rgb  # (height, width, 3), before the camera's exposure and noise
    depth_m: Raster  # (height, width) along the camera's z axis


class Places(NamedTuple):
    """Where the pixels of an image look, in photo pixels from the place below the camera."""

    row_px: float  # the place, south of the pixel grid's north edge
    col_px: float  # and east of its west edge
    south_px: Raster  # (H, W) from there
    east_px: Raster


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
        self._rays_cam = camera.pixel_rays().astype(np.float32)
        self.patch: Patch | None = None
        self._flat = world.height_range_m[0] == world.height_range_m[1]

    def load(self, poses: Iterable[Pose]) -> None:
        """Build the surface that these poses see, so that they are rendered without building more."""
        needed = frozenset(cell for pose in poses for cell in self._cells_seen(pose))
        if self._flat or (self.patch is not None and needed <= self.patch.cells):
            return
        self.patch = None  # frees it before the next one is built
        self.patch = Patch(self.tiles, needed)

    def render(self, T_world_cam: Pose, capture: Capture) -> Frame:
        """The image and depth from a pose (float64) whose rays all meet the world."""
        self.load([T_world_cam])
        return self.render_loaded(T_world_cam, capture)

    def render_loaded(self, T_world_cam: Pose, capture: Capture) -> Frame:
        """As `render`, of a pose that was given to the last `load`."""
        row_px, col_px = self._below(T_world_cam)
        directions = self._directions(T_world_cam)
        if self._flat:  # a plane needs no search for what a ray meets
            height_m = float(T_world_cam.t[2]) - self.world.height_range_m[0]
            depth_m = height_m / -directions[..., 2]
        else:
            assert self.patch is not None
            rays = self.patch.rays(row_px, col_px, float(T_world_cam.t[2]), directions)
            depth_m = self.patch.depth_m(rays, self.threads)
        east_px, south_px = depth_m * directions[..., 0], depth_m * -directions[..., 1]
        # cells reach beyond the world, where nothing is known; a ray that misses them has depth inf
        pixel_grid = self.world.pixel_grid
        inside = -col_px <= east_px.min() and east_px.max() <= pixel_grid.cols - col_px
        inside = inside and -row_px <= south_px.min() and south_px.max() <= pixel_grid.rows - row_px
        if not inside:
            raise _leaves_the_world(T_world_cam)
        places = Places(row_px, col_px, south_px, east_px)
        return Frame(self._colour(places, depth_m, capture), depth_m)

    def rays(self, T_world_cam: Pose, patch: Patch) -> NDArray[np.float32]:
        """The rays (H, W, 6) of a pose's pixels in a patch, one metre of depth long."""
        height_m = float(T_world_cam.t[2])
        return patch.rays(*self._below(T_world_cam), height_m, self._directions(T_world_cam))

    def _directions(self, T_world_cam: Pose) -> Raster:
        """Of a pose's pixels (H, W, 3): photo pixels east and north, metres up, a metre of depth."""
        # columns: where the camera's axes point in the world
        axes = rotate(T_world_cam.q, torch.eye(3, dtype=torch.float64)).numpy().T
        per_px_m = self.world.pixel_grid.resolution_m
        to_px = axes / [[per_px_m], [per_px_m], [1.0]]
        return np.asarray(cv2.transform(self._rays_cam, to_px), np.float32)

    def _below(self, T_world_cam: Pose) -> tuple[float, float]:
        """Row and column, in photo pixels from the pixel grid's north-west corner, of the place below."""
        x_m, y_m, _ = T_world_cam.t.tolist()
        pixel_grid = self.world.pixel_grid
        row_px = (pixel_grid.ymax - y_m) / pixel_grid.resolution_m
        return row_px, (x_m - pixel_grid.xmin) / pixel_grid.resolution_m

    def _cells_seen(self, pose: Pose) -> Iterable[Window]:
        bounds = footprint(self.world, self.camera, pose)
        if bounds is None:
            raise _leaves_the_world(pose)
        return cells_over(self.world, bounds)

    def _colour(self, places: Places, depth_m: Raster, capture: Capture) -> Rgb:
        """Orthophoto colour (H, W, 3) at places, averaged over about one ground pixel."""
        photo_px_m = self.world.pixel_grid.resolution_m * self.camera.focal_px
        if depth_m.max() <= ONE_LEVEL * depth_m.min():
            level = float(np.clip(np.log2(depth_m.mean() / photo_px_m), 0.0, LEVELS - 1.0))
            fine = math.floor(level)
            image = self._lookup(places, fine, capture)
            if level == fine:
                return image
            coarse = self._lookup(places, fine + 1, capture)
            blend = cv2.addWeighted(image, 1 - (level - fine), coarse, level - fine, 0.0)
            return np.asarray(blend, np.uint8)
        levels = np.clip(np.log2(depth_m / photo_px_m), 0.0, LEVELS - 1.0)
        total = np.zeros((*depth_m.shape, 3), np.float32)
        for number in range(math.floor(levels.min()), math.ceil(levels.max()) + 1):
            share = np.maximum(1.0 - np.abs(levels - number), 0.0).astype(np.float32)
            box = _box(share > 0)
            part = places._replace(south_px=places.south_px[box], east_px=places.east_px[box])
            total[box] += share[box][..., None] * self._lookup(part, number, capture)
        return np.asarray(np.rint(total), np.uint8)

    def _lookup(self, places: Places, level: int, capture: Capture) -> Rgb:
        """Colours (H, W, 3) at places, bilinear at one mip level."""
        scale = 0.5**level
        row, col = places.row_px * scale - 0.5, places.col_px * scale - 0.5
        top = math.floor(row + scale * float(places.south_px.min()))
        left = math.floor(col + scale * float(places.east_px.min()))
        bottom = math.floor(row + scale * float(places.south_px.max()))
        right = math.floor(col + scale * float(places.east_px.max()))
        photo = self.tiles.mosaic(
            Window(top, left, bottom + 2 - top, right + 2 - left), level, capture
        )
        image = cv2.remap(
            photo,
            places.east_px * np.float32(scale) + np.float32(col - left),
            places.south_px * np.float32(scale) + np.float32(row - top),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(image, np.uint8)


def _leaves_the_world(pose: Pose) -> RuntimeError:
    return RuntimeError(f"rays from {pose.t.numpy().round(1).tolist()} m leave the world")


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest rectangle around what is set."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
