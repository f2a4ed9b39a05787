"""Rendering: one ray per pixel into the surface, and the colour of the orthophoto where it hits.

Vast worlds are rendered patch by patch: `Renderer.load` builds the surface under some poses, and
`Renderer.render` takes images of it. An image is a function of pose and capture alone, to the bit:
earlier images and patches do not change it.
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
from hinted_posenet.simulator.world import Capture, Raster, Rgb, Window, World
from hinted_posenet.simulator.world.tiles import LEVELS, TileCache

ONE_LEVEL = 1.5  # ratio of farthest to nearest depth up to which an image has one mip level


class Frame(NamedTuple):
    """The view of the camera from one pose."""

    rgb: Rgb  # (height, width, 3), before the camera's exposure and noise
    depth_m: Raster  # (height, width) along the camera's z axis


class Places(NamedTuple):
    """Where the pixels of an image look, in photo pixels from the place below the camera."""

    row_px: float  # distance of that place from the pixel grid's north edge
    col_px: float  # and from its west edge
    south_px: Raster  # (H, W) from that place
    east_px: Raster


class Renderer:
    """Renders one world with one camera; 0 threads cast rays on every core.

    Photo tiles and surface tiles take up to ``memory_mb`` each.
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
        """Build the surface that these poses see, so that `render_loaded` can render them."""
        needed = set[Window]()
        for pose in poses:
            bounds = footprint(self.world, self.camera, pose)
            if bounds is None:
                raise _leaves_the_world(pose)
            needed.update(cells_over(self.world, bounds))
        if self._flat or (self.patch is not None and needed <= self.patch.cells):
            return
        self.patch = None  # frees it before the next one is built
        self.patch = Patch(self.tiles, needed)

    def render(self, T_world_cam: Pose, capture: Capture) -> Frame:
        """Render image and depth from a pose (float64) whose rays all meet the world."""
        self.load([T_world_cam])
        return self.render_loaded(T_world_cam, capture)

    def render_loaded(self, T_world_cam: Pose, capture: Capture) -> Frame:
        """Render a pose that was given to the last `load`, see `render`."""
        row_px, col_px = self._below(T_world_cam)
        directions = self._directions(T_world_cam)
        if self._flat:  # a plane needs no search
            height_m = float(T_world_cam.t[2]) - self.world.height_range_m[0]
            depth_m = height_m / -directions[..., 2]
        else:
            assert self.patch is not None
            rays = self.patch.rays(row_px, col_px, float(T_world_cam.t[2]), directions)
            depth_m = self.patch.depth_m(rays, self.threads)
        east_px, south_px = depth_m * directions[..., 0], depth_m * -directions[..., 1]
        # cells reach beyond the known world; a ray that misses them has depth inf
        pixel_grid = self.world.pixel_grid
        inside = -col_px <= east_px.min() and east_px.max() <= pixel_grid.cols - col_px
        inside = inside and -row_px <= south_px.min() and south_px.max() <= pixel_grid.rows - row_px
        if not inside:
            raise _leaves_the_world(T_world_cam)
        places = Places(row_px, col_px, south_px, east_px)
        return Frame(self._colour(places, depth_m, capture), depth_m)

    def rays(self, T_world_cam: Pose, patch: Patch) -> NDArray[np.float32]:
        """Return the rays (H, W, 6) of a pose's pixels in a patch, one metre of depth long."""
        height_m = float(T_world_cam.t[2])
        return patch.rays(*self._below(T_world_cam), height_m, self._directions(T_world_cam))

    def _directions(self, T_world_cam: Pose) -> Raster:
        """Return photo pixels east and north, metres up (H, W, 3) of pixels per metre of depth."""
        # columns: directions of the camera's axes in the world
        axes = rotate(T_world_cam.q, torch.eye(3, dtype=torch.float64)).numpy().T
        per_px_m = self.world.pixel_grid.resolution_m
        to_px = axes / [[per_px_m], [per_px_m], [1.0]]
        return np.asarray(cv2.transform(self._rays_cam, to_px), np.float32)

    def _below(self, T_world_cam: Pose) -> tuple[float, float]:
        """Return row and column of the place below a camera, in fractional photo pixels."""
        return self.world.pixel_grid.place_of(*T_world_cam.t[:2].tolist())

    def _colour(self, places: Places, depth_m: Raster, capture: Capture) -> Rgb:
        """Return the orthophoto's colour (H, W, 3) at places, averaged over about one ground pixel."""
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
            rows, cols = (np.flatnonzero((share > 0).any(axis=axis)) for axis in (1, 0))
            box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)  # around all shares
            part = places._replace(south_px=places.south_px[box], east_px=places.east_px[box])
            total[box] += share[box][..., None] * self._lookup(part, number, capture)
        return np.asarray(np.rint(total), np.uint8)

    def _lookup(self, places: Places, level: int, capture: Capture) -> Rgb:
        """Return colours (H, W, 3) at places, bilinear at one mip level."""
        scale = 0.5**level
        row, col = places.row_px * scale - 0.5, places.col_px * scale - 0.5
        top = math.floor(row + scale * float(places.south_px.min()))
        left = math.floor(col + scale * float(places.east_px.min()))
        bottom = math.floor(row + scale * float(places.south_px.max()))
        right = math.floor(col + scale * float(places.east_px.max()))
        window = Window(top, left, bottom + 2 - top, right + 2 - left)
        photo = self.tiles.mosaic(window, level, capture)
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
