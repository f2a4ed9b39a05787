"""Rays that are cast at triangles, and viewpoints from which a picture shows a whole scene."""

import math

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray

from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import PAPER
from hinted_posenet.show.wires import Points
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.world import Rgb

FINER = 2  # rays a side for every pixel of the picture, so that edges are smooth
Hits = NDArray[np.bool_]  # (H, W) rays that meet a triangle
HEADING_DEG, OFF_NADIR_DEG, HFOV_DEG = 20.0, 55.0, 35.0
CLOSER, STEEPER_DEG = 0.35, 8.0  # half-way around, so that a film shows more than a picture
FILLED = 0.96  # share of the image


class Rays:
    """Triangles that rays are cast at, on the CPU: neither a display nor a GPU is needed."""

    def __init__(self, vertices: Points, triangles: NDArray[np.int32]) -> None:
        self.middle = vertices.mean(axis=0)  # origin of the float32 in which rays are cast
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(
            o3d.core.Tensor.from_numpy((vertices - self.middle).astype(np.float32)),
            o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)),
        )

    def cast(
        self, camera: Camera, pose: Pose, threads: int
    ) -> tuple[Hits, Points, dict[str, o3d.core.Tensor]]:
        """Return whether each ray (H, W) meets a triangle, where (H, W, 3), and open3d's answer."""
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
    """Return a picture of the rays' colours (H, W, 3), with paper where they meet nothing."""
    image[~hit] = PAPER
    return smaller(image)


def smaller(image: Rgb) -> Rgb:
    """Average squares of `FINER` pixels a side."""
    size = image.shape[1] // FINER, image.shape[0] // FINER
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def overview_pose(camera: Camera, points: Points) -> Pose:
    """Return the nearest pose from which an image shows all points (N, 3) obliquely; z is up."""
    turn = pose_at((0, 0, 0), HEADING_DEG, OFF_NADIR_DEG).q
    seen, slope = _rotated(points, turn), _slope(camera)
    # a point at p has |p_x - x| <= slope (p_z - z): the planes through the outermost points meet
    # where the camera is, along each of the image's axes
    low = (seen[:, :2] + slope * seen[:, 2:]).min(axis=0)
    high = (seen[:, :2] - slope * seen[:, 2:]).max(axis=0)
    middle, back = 0.5 * (low + high), 0.5 * (low - high) / slope
    center = torch.tensor([*middle, back.min()], dtype=torch.float64)
    return Pose(rotate(turn, center), turn)


def orbit(camera: Camera, points: Points, count: int) -> list[Pose]:
    """Return poses once around points (N, 3), closer and steeper half-way, back to the first one."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    shares = np.arange(count) / count
    half_way = np.sin(math.pi * shares) ** 2
    turns = [
        pose_at((0, 0, 0), HEADING_DEG + 360 * share, OFF_NADIR_DEG - STEEPER_DEG * near, 0.0).q
        for share, near in zip(shares, half_way, strict=True)
    ]
    seen, slope = [_rotated(points - middle, turn) for turn in turns], _slope(camera)
    needed = np.array([(np.abs(p[:, :2]) / slope - p[:, 2:]).max() for p in seen])
    distances = _around(_around(needed).max(axis=0)).mean(axis=0)  # smooth, and at least as far
    poses = []
    for turn, distance in zip(turns, distances * (1 - CLOSER * half_way), strict=True):
        back = torch.tensor([0.0, 0.0, -distance], dtype=torch.float64)
        poses.append(Pose(torch.from_numpy(middle) + rotate(turn, back), turn))
    return poses


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stack values (N,) on a circle shifted by up to a twelfth of the circle: (2 n + 1, N)."""
    steps = range(-(len(values) // 12), len(values) // 12 + 1)
    return np.stack([np.roll(values, step) for step in steps])


def _slope(camera: Camera) -> Points:
    return 0.5 * np.array([camera.width, camera.height]) / camera.focal_px * FILLED


def _rotated(points: Points, turn: torch.Tensor) -> Points:
    return np.asarray(rotate(quaternion_inverse(turn), torch.from_numpy(points)))
