"""Viewpoints: how a camera is turned, and whether its image stays inside the world.

Convention: OpenCV camera axes (x right, y down, z forward) in an ENU world (z up). Heading 0 means
that the top of the image points north, clockwise positive. Pitch > 0 looks towards the top of the
image, roll > 0 towards its right; both 0 look straight down.
"""

import math

import torch

from hinted_posenet.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import World
from hinted_posenet.types import Pose


def nadir_quaternion(
    heading_rad: float, pitch_rad: float = 0.0, roll_rad: float = 0.0
) -> torch.Tensor:
    """Rotation R_world_cam (4,), float64, of a camera that looks down, turned in this order."""
    turns = torch.tensor(
        [
            [0.0, 0.0, -heading_rad],
            [math.pi, 0.0, 0.0],
            [pitch_rad, 0.0, 0.0],
            [0.0, roll_rad, 0.0],
        ],
        dtype=torch.float64,
    )
    heading, look_down, pitch, roll = quaternion_exp(turns)
    tilt = quaternion_product(pitch, roll)
    return quaternion_product(heading, quaternion_product(look_down, tilt))


def sees_only(world: World, camera: Camera, pose: Pose) -> bool:
    """Whether every ray of the image meets the world's surface.

    Enough: the camera is above the world, and its corner rays reach the lowest level within the
    bounds.
    """
    bounds, lowest_m = world.bounds, float(world.surface_m.min())
    corners = rotate(pose.q, torch.from_numpy(camera.corner_rays()))
    if bool((corners[:, 2] >= -1e-3).any()):
        return False
    reach = (lowest_m - pose.t[2]) / corners[:, 2:]
    points = torch.cat([pose.t[None], pose.t + reach * corners])
    x, y = points[:, 0], points[:, 1]
    inside = (x > bounds.xmin) & (x < bounds.xmax) & (y > bounds.ymin) & (y < bounds.ymax)
    return bool(inside.all())
