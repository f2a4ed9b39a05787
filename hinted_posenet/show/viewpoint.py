"""Viewpoints: from where a picture shows all of a scene, and a flight around it."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import quaternion_inverse, rotate
from hinted_posenet.show.frusta import Points
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.viewpoint import pose_at
from hinted_posenet.types import Pose

HEADING_DEG, OFF_NADIR_DEG, HFOV_DEG = 20.0, 55.0, 35.0
CLOSER, STEEPER_DEG = 0.35, 8.0  # half-way around, so that a film shows what a picture does not
FILLED = 0.96  # of the image


def overview_pose(camera: Camera, points: Points) -> Pose:
    """From where an image shows all points (N, 3) obliquely, as close as can be; z is up."""
    turn = pose_at((0, 0, 0), HEADING_DEG, OFF_NADIR_DEG).q
    seen, slope = _turned(points, turn), _slope(camera)
    # a point at p has |p_x - x| <= slope (p_z - z): the planes through the outermost points meet
    # where the camera is, along each of the image's axes
    low = (seen[:, :2] + slope * seen[:, 2:]).min(axis=0)
    high = (seen[:, :2] - slope * seen[:, 2:]).max(axis=0)
    middle, back = 0.5 * (low + high), 0.5 * (low - high) / slope
    centre = torch.tensor([*middle, back.min()], dtype=torch.float64)
    return Pose(rotate(turn, centre), turn)


def orbit(camera: Camera, points: Points, count: int) -> list[Pose]:
    """Once around points (N, 3), closer and steeper half-way, and back to where it began."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    shares = np.arange(count) / count
    half_way = np.sin(math.pi * shares) ** 2
    turns = [
        pose_at((0, 0, 0), HEADING_DEG + 360 * share, OFF_NADIR_DEG - STEEPER_DEG * near, 0.0).q
        for share, near in zip(shares, half_way, strict=True)
    ]
    seen, slope = [_turned(points - middle, turn) for turn in turns], _slope(camera)
    needed = np.array([(np.abs(p[:, :2]) / slope - p[:, 2:]).max() for p in seen])
    distances = _around(_around(needed).max(axis=0)).mean(axis=0)  # smooth, and at least as far
    poses = []
    for turn, distance in zip(turns, distances * (1 - CLOSER * half_way), strict=True):
        back = torch.tensor([0.0, 0.0, -distance], dtype=torch.float64)
        poses.append(Pose(torch.from_numpy(middle) + rotate(turn, back), turn))
    return poses


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (N,) on a circle, and beside each those up to a twelfth of the circle away (2 n + 1, N)."""
    steps = range(-(len(values) // 12), len(values) // 12 + 1)
    return np.stack([np.roll(values, step) for step in steps])


def _slope(camera: Camera) -> Points:
    return 0.5 * np.array([camera.width, camera.height]) / camera.focal_px * FILLED


def _turned(points: Points, turn: torch.Tensor) -> Points:
    return np.asarray(rotate(quaternion_inverse(turn), torch.from_numpy(points)))
