"""Sensors of an aircraft as hints: what each of them knows of a pose, drawn around the truth."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.geometry import quaternion_exp, quaternion_inverse, quaternion_product
from hinted_posenet.core.types import Hint, Pose

DOWN = torch.tensor([0.0, -1.0, 0.0, 0.0], dtype=torch.float64)  # the image's top is north
# what is known of every flight of the scene: it heads north to 20 degrees, and is tilted by 3 at most
HEADING_DEG, TILT_DEG, HEIGHT = 11.5, 1.75, 0.08


class Sensors(NamedTuple):
    """One standard deviation of each; inf: there is no such sensor, and the flights' distribution stands in."""

    gps_m: float = 50.0  # of each axis of the plane
    height_m: float = math.inf
    tilt_deg: float = math.inf
    heading_deg: float = math.inf
    wrong_m: float = 0.0  # by which the plane is off beside


SENSORS = {
    "position": Sensors(),
    "position, height 3 m": Sensors(height_m=3.0),
    "position, tilt 2°": Sensors(tilt_deg=2.0),
    "position, tilt 0.5°": Sensors(tilt_deg=0.5),
    "position, heading 3°": Sensors(heading_deg=3.0),
    "position, height 3 m, tilt 0.5°, heading 3°": Sensors(50.0, 3.0, 0.5, 3.0),
    "retrieval, 150 m": Sensors(gps_m=150.0),
}


def drawn(truth: Pose, ground_m: float, sensors: Sensors, seed: int) -> Hint:
    """Return what sensors say of one true pose (1,), float64, over ground at a height."""
    noise = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    heading_rad, tilted = split(truth.q)
    above_m = float(truth.t[0, 2]) - ground_m
    vague = [sensors.gps_m] * 2 + [HEIGHT * above_m]
    sigma = torch.tensor(vague + [math.radians(a) for a in (TILT_DEG, TILT_DEG, HEADING_DEG)])
    sigma = sigma.double()
    if math.isfinite(sensors.height_m):
        sigma[2] = sensors.height_m
    if math.isfinite(sensors.tilt_deg):
        sigma[3:5] = math.radians(sensors.tilt_deg)
    else:
        tilted = DOWN.unsqueeze(0)
    if math.isfinite(sensors.heading_deg):
        sigma[5] = math.radians(sensors.heading_deg)
    else:
        heading_rad = torch.zeros_like(heading_rad)
    measured = torch.tensor(
        [math.isfinite(sensors.tilt_deg)] * 2 + [sensors.heading_deg < math.inf]
    )
    turn = sigma[3:] * noise[3:] * measured
    q = quaternion_product(turned(heading_rad), tilted)
    q = quaternion_product(quaternion_exp(turn).unsqueeze(0), q)
    t = truth.t + sigma[:3] * noise[:3]
    way = torch.tensor([math.cos(seed), math.sin(seed), 0.0], dtype=torch.float64)
    return Hint(Pose(t + sensors.wrong_m * way, q), sigma.square().diag().unsqueeze(0))


def split(q: Tensor) -> tuple[Tensor, Tensor]:
    """Split rotations (1, 4) into a turn (1,) about the vertical, and the tilt of one that heads north."""
    relative = quaternion_product(q, quaternion_inverse(DOWN))
    turn_rad = 2 * torch.atan2(relative[:, 3], relative[:, 0])
    return turn_rad, quaternion_product(turned(-turn_rad), q)


def turned(angle_rad: Tensor) -> Tensor:
    """Return rotations (1, 4) about the vertical."""
    zero = torch.zeros_like(angle_rad)
    return quaternion_exp(torch.stack([zero, zero, angle_rad], dim=-1))
