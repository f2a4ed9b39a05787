"""Viewpoints: how a camera is turned, and whether its image stays inside the world.

Convention: OpenCV camera axes (x right, y down, z forward) in an ENU world (z up). Heading 0 means
that the top of the image points north, clockwise positive. Pitch > 0 looks towards the top of the
image, roll > 0 towards its right; both 0 look straight down.
"""

import math
from collections.abc import Sequence

import torch

from hinted_posenet.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Bounds, World
from hinted_posenet.types import Pose


def pose_at(
    position_m: Sequence[float],
    heading_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
) -> Pose:
    """T_world_cam (float64) of a camera at a position (3,) that looks down, turned in this order."""
    heading, pitch, roll = (math.radians(turn) for turn in (heading_deg, pitch_deg, roll_deg))
    turns = [[0.0, 0.0, -heading], [math.pi, 0.0, 0.0], [pitch, 0.0, 0.0], [0.0, roll, 0.0]]
    to_heading, look_down, to_pitch, to_roll = quaternion_exp(
        torch.tensor(turns, dtype=torch.float64)
    )
    tilt = quaternion_product(to_pitch, to_roll)
    turn = quaternion_product(to_heading, quaternion_product(look_down, tilt))
    return Pose(torch.tensor([float(part) for part in position_m], dtype=torch.float64), turn)


def footprint(world: World, camera: Camera, pose: Pose) -> Bounds | None:
    """Bounds of all ground that the image may show, the camera's own place included.

    None where a ray does not lead down. Enough: the outline of the image reaches the lowest level of
    the world within the bounds.
    """
    outline = rotate(pose.q, torch.from_numpy(camera.outline_rays()))
    if bool((outline[:, 2] >= -1e-3).any()):
        return None
    reach = (world.height_range_m[0] - pose.t[2]) / outline[:, 2:]
    points = torch.cat([pose.t[None], pose.t + reach * outline])
    xmin, ymin, _ = points.amin(dim=0).tolist()
    xmax, ymax, _ = points.amax(dim=0).tolist()
    return Bounds(xmin, ymin, xmax, ymax)


def sees_only(world: World, camera: Camera, pose: Pose) -> bool:
    """Whether every ray of the image meets the world's surface."""
    seen = footprint(world, camera, pose)
    return seen is not None and world.bounds.contains(seen)
