"""Answers as autopilots take them: the fields of MAVLink's ``VISION_POSITION_ESTIMATE``.

PX4 and ArduPilot count x, y, z to the north, east and down from a local origin, and describe the attitude of a
body whose axes are forward, right and down. The world of an answer is east, north, up (docs/conventions.md).
"""

import math

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.extrinsics import carried
from hinted_posenet.core.geodesy import Q_WORLD_BODY
from hinted_posenet.core.geometry import invert, quaternion_product
from hinted_posenet.core.types import Hint, Pose

Q_NED_ENU = Q_WORLD_BODY  # a half turn, which is its own inverse
Q_FLU_FRD = (0.0, 1.0, 0.0, 0.0)  # from forward, right, down to ROS's forward, left, up
UPRIGHT = 1e-3  # cosine of the pitch, below which roll and yaw turn about the same axis
UNKNOWN = [math.nan, *[0.0] * 20]  # how the message says that it has no covariance


def vision_position_estimate(
    answer: Hint,
    stamp_s: float,
    T_body_cam: Pose,
    origin_m: ArrayLike = (0.0, 0.0, 0.0),
    reset_counter: int = 0,
) -> dict[str, float | list[float]]:
    """Return the fields of the message, as pymavlink's ``vision_position_estimate_send`` names them.

    Args:
        answer: Pose () of the camera in a world of east, north, up, with its covariance.
        stamp_s: When the image was taken, in the clock of the autopilot or since 1970.
        T_body_cam: Pose () of the camera on the body, whose axes are ROS's: x forward, y left, z up.
        origin_m: The autopilot's local origin (3,) in the world of the answer.
        reset_counter: Of the jumps of a tracker; it goes from 255 to 0.

    Returns:
        ``usec``; ``x``, ``y``, ``z`` north, east and down in metres; ``roll``, ``pitch``, ``yaw`` in radians; the
        upper triangle of their ``covariance``, row by row, 21 numbers, the first of which is nan where it is not
        known or the body stands on its nose or tail; ``reset_counter``.
    """
    finite = bool(answer.covariance.isfinite().all())
    covariance = answer.covariance.double().nan_to_num(0.0, 0.0, 0.0)
    camera = Hint(Pose(answer.pose.t.double(), answer.pose.q.double()), covariance)
    body = carried(camera, Pose(*invert(T_body_cam.t.double(), T_body_cam.q.double())))
    turned = torch.tensor(Q_NED_ENU, dtype=torch.float64)
    R = quaternion_to_rotation_matrix(turned)  # (3, 3), from east, north, up to north, east, down
    t = R @ (body.pose.t - torch.as_tensor(origin_m, dtype=torch.float64))
    q = quaternion_product(quaternion_product(turned, body.pose.q), turned.new_tensor(Q_FLU_FRD))
    angles = _angles(quaternion_to_rotation_matrix(normalize(q, dim=0)))
    upper = UNKNOWN
    if finite and math.cos(angles[1]) > UPRIGHT:
        J = torch.zeros(6, 6, dtype=torch.float64)
        J[:3, :3], J[3:, 3:] = R, _rates(angles) @ R
        found = J @ body.covariance @ J.mT
        upper = found[*torch.triu_indices(6, 6)].tolist()
    x, y, z = t.tolist()
    roll, pitch, yaw = angles
    return {
        "usec": round(stamp_s * 1e6),
        **{"x": x, "y": y, "z": z, "roll": roll, "pitch": pitch, "yaw": yaw},
        "covariance": upper,
        "reset_counter": reset_counter % 256,
    }


def _angles(R: Tensor) -> tuple[float, float, float]:
    """Return roll, pitch and yaw in radians of R = Rz(yaw) Ry(pitch) Rx(roll) (3, 3)."""
    level = math.hypot(float(R[0, 0]), float(R[1, 0]))  # cosine of the pitch
    pitch = math.atan2(-float(R[2, 0]), level)
    if level < UPRIGHT:
        return 0.0, pitch, math.atan2(-float(R[0, 1]), float(R[1, 1]))
    roll = math.atan2(float(R[2, 1]), float(R[2, 2]))
    return roll, pitch, math.atan2(float(R[1, 0]), float(R[0, 0]))


def _rates(angles: tuple[float, float, float]) -> Tensor:
    """Return (3, 3), from small turns about the world's axes to changes of roll, pitch and yaw."""
    _, pitch, yaw = angles
    level = math.cos(pitch)
    # columns: the axes, in the world, about which roll, pitch and yaw turn
    axes = [
        [level * math.cos(yaw), -math.sin(yaw), 0.0],
        [level * math.sin(yaw), math.cos(yaw), 0.0],
        [-math.sin(pitch), 0.0, 1.0],
    ]
    rates: Tensor = torch.linalg.inv(torch.tensor(axes, dtype=torch.float64))
    return rates
