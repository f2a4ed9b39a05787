"""Rays that are cast at triangles: what is seen of them, without a display or a GPU."""

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import rotate
from hinted_posenet.show.canvas import PAPER
from hinted_posenet.show.frusta import Points
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import Pose

FINER = 2  # rays a side for every pixel of the picture, so that edges are smooth
Hits = NDArray[np.bool_]  # (H, W) rays that meet a triangle


class Rays:
    """Triangles that rays are cast at; on the CPU, so that neither a display nor a GPU is needed."""

    def __init__(self, vertices: Points, triangles: NDArray[np.int32]) -> None:
        self.middle = vertices.mean(axis=0)  # of the float32 that rays are cast in
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(
            o3d.core.Tensor.from_numpy((vertices - self.middle).astype(np.float32)),
            o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)),
        )

    def cast(
        self, camera: Camera, pose: Pose, threads: int
    ) -> tuple[Hits, Points, dict[str, o3d.core.Tensor]]:
        """Whether each ray (H, W) meets a triangle, where (H, W, 3), and open3d's answer."""
        fine = Camera(FINER * camera.width, FINER * camera.height, focal_px=FINER * camera.focal_px)
        axes = rotate(pose.q, torch.eye(3, dtype=torch.float64)).numpy()
        rays = np.empty((fine.height, fine.width, 6), np.float32)
        rays[..., :3] = pose.t.numpy() - self.middle
        rays[..., 3:] = fine.pixel_rays() @ axes
        answer = self.scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=threads)
        depth_m = answer["t_hit"].numpy()
        hit = np.isfinite(depth_m)
        depth_m[~hit] = 0.0
        return hit, pose.t.numpy() + depth_m[..., None] * rays[..., 3:], answer


def on_paper(image: Rgb, hit: Hits) -> Rgb:
    """A picture of the rays' colours (H, W, 3), and paper where they meet nothing."""
    image[~hit] = PAPER
    return smaller(image)


def smaller(image: Rgb) -> Rgb:
    """`FINER` pixels a side become one."""
    size = image.shape[1] // FINER, image.shape[0] // FINER
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
