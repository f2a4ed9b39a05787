"""What a pose file may have meant, if not what it was read as."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from hinted_posenet.geometry import invert, quaternion_inverse, quaternion_product, rotate
from hinted_posenet.types import Pose

# the quaternion of diag(1, -1, -1): half a turn around x leads from OpenGL's camera axes to OpenCV's
HALF_TURN_X = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)


class Convention(NamedTuple):
    """One way to read the stated poses."""

    name: str
    meaning: str  # what is wrong with the file if this one is right, and what to do
    apply: Callable[[Pose], Pose]  # stated T_world_cam -> T_world_cam, (*, 3) and (*, 4)


def _turned_axes(T: Pose) -> Pose:
    return Pose(T.t, quaternion_product(T.q, HALF_TURN_X.expand_as(T.q)))


def _inverse(T: Pose) -> Pose:
    return Pose(*invert(*T))


CONVENTIONS = (
    Convention("as stated", "The poses are what the layout says", lambda T: T),
    Convention("inverse", "The poses map the other way round: invert each", _inverse),
    Convention(
        "inverse rotation",
        "The positions are right and the rotations map the other way round: conjugate each quaternion "
        "(transpose each matrix)",
        lambda T: Pose(T.t, quaternion_inverse(T.q)),
    ),
    Convention(
        "translation in place of the position",
        "The rotations are right, but where the camera's position is expected stands the translation "
        "of world-to-camera: write t' = -R t, with R camera-to-world",
        lambda T: Pose(-rotate(T.q, T.t), T.q),
    ),
    Convention(
        "position in place of the translation",
        "The rotations are right, but where the translation of world-to-camera is expected stands the "
        "camera's position: write t' = -R^T t, with R camera-to-world",
        lambda T: Pose(-rotate(quaternion_inverse(T.q), T.t), T.q),
    ),
    Convention(
        "turn to OpenGL axes",
        "The camera's axes are turned: OpenGL has y up and looks along -z, OpenCV has y down and "
        "looks along +z; change the sign of the second and third column of each camera-to-world rotation",
        _turned_axes,
    ),
    Convention(
        "inverse with OpenGL axes",
        "The poses map the other way round and the camera's axes are OpenGL's: invert each, then change "
        "the sign of the second and third column of its rotation",
        lambda T: _turned_axes(_inverse(T)),
    ),
)
