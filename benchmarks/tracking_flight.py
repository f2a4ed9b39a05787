"""Streams to track with known truth: a simulated flight over photos of another date, and a recorded sequence."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from hinted_posenet.core.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_product,
    rotate,
)
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.formats.seven_scenes import read_views
from hinted_posenet.data.load_image import AnyImage
from hinted_posenet.inference.track_filter import TURN_AS_METRE_DEG, MotionModel
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

STEP_S, SPEED_M_S, HEIGHT_M = 1.0, 15.0, 600.0
LOOP_M = 1000.0  # radius of the flight
GPS_M, ATTITUDE_DEG = (5.0, 10.0), 1.5


class Stream(NamedTuple):
    """What a camera saw, and where it was."""

    images: Sequence[AnyImage]
    truth: list[Pose]
    stamp_s: list[float]
    K: list[float] | None


def flight(photos: Path, date: str, count: int, seed: int) -> Stream:
    """Fly a part of a circle that begins anywhere, and see the ground of a date."""
    world = OrthophotoWorld(photos)
    camera = Camera(160, 160, 60.0)
    draw, renderer = np.random.default_rng(seed), Renderer(world, camera, threads=1)
    sensor, (capture,) = Sensor(0.12, 0.02, 0.008), world.select_all([date])
    start, images, truth = draw.uniform(0, 2 * math.pi), [], []
    for k in range(count):
        at = start + k * STEP_S * SPEED_M_S / LOOP_M
        place = LOOP_M * math.cos(at), LOOP_M * math.sin(at), HEIGHT_M + 10 * math.sin(k / 20)
        pose = pose_at(place, -math.degrees(at), 1.5 * math.sin(k / 6), 1.5 * math.cos(k / 9))
        frame = renderer.render(pose, capture)
        images.append(sensor.develop(frame.rgb, frame.depth_m, math.inf, (0.0, 0.0), draw))
        truth.append(pose)
    (fx, _, cx), (_, fy, cy), _ = camera.K.tolist()
    return Stream(images, truth, [STEP_S * k for k in range(count)], [fx, fy, cx, cy])


def place_of_flight(photos: Path) -> tuple[float, float]:
    """Return latitude and longitude of the origin of the poses of flights."""
    origin = OrthophotoWorld(photos).origin
    assert origin is not None  # photos know their place on Earth
    return origin.latitude_deg, origin.longitude_deg


def sequence(data: Path, name: str) -> Stream:
    """Read a test sequence of RedKitchen, 30 images per second."""
    split = read_views(data / "seven_scenes", "redkitchen", "test")
    views = [view for view in split if view.sequence == name]
    poses = [view.T_world_cam for view in views]
    return Stream([view.image for view in views], poses, [k / 30 for k in range(len(views))], None)


def drifting(truth: Sequence[Pose], model: MotionModel, seed: int) -> list[Pose | None]:
    """Return the motion to each pose from the one before, with the drift of a model; None for the first."""
    draw = np.random.default_rng([seed, 1])
    motions: list[Pose | None] = [None]
    for before, now in pairwise(truth):
        back = quaternion_inverse(before.q)
        t, q = rotate(back, now.t - before.t), quaternion_product(back, now.q)
        turned_deg = math.degrees(2 * math.acos(min(1.0, abs(float(q[0])))))
        root = math.sqrt(float(t.norm()) + turned_deg / TURN_AS_METRE_DEG)
        t = t + model.drift_m * root * torch.from_numpy(draw.standard_normal(3))
        turn = math.radians(model.drift_deg) * root * torch.from_numpy(draw.standard_normal(3))
        motions.append(Pose(t, quaternion_product(q, quaternion_exp(turn))))
    return motions


def readings(truth: Sequence[Pose], off: range, seed: int) -> list[Hint | None]:
    """Return what GPS and an attitude sensor say of each pose; nothing while they are off."""
    draw = np.random.default_rng([seed, 2])
    sigma_m = np.array([GPS_M[0], GPS_M[0], GPS_M[1]])
    hints: list[Hint | None] = []
    for k, pose in enumerate(truth):
        t = pose.t + torch.from_numpy(sigma_m * draw.standard_normal(3))
        turn = math.radians(ATTITUDE_DEG) * torch.from_numpy(draw.standard_normal(3))
        read = Hint.from_pose(
            Pose(t, quaternion_product(quaternion_exp(turn), pose.q)), GPS_M, ATTITUDE_DEG
        )
        hints.append(None if k in off else read)
    return hints


def after(pose: Pose, motion: Pose) -> Pose:
    """Move a pose by odometry."""
    return Pose(pose.t + rotate(pose.q, motion.t), quaternion_product(pose.q, motion.q))
