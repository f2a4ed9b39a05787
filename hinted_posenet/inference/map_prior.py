"""Priors over a map in all parts: what sensors do not know of height and rotation comes from defaults."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import camera_angles, camera_rotation
from hinted_posenet.core.types import Hint, Pose

TILT_SIGMA_DEG = 5.0  # of a camera that looks down, unless it is stated
ANY_HEADING_DEG = 180 / math.sqrt(3)  # standard deviation of a heading that may be any

GroundAt = Callable[[float, float], float]  # x, y -> z of the ground in metres


class Assumed(NamedTuple):
    """What is taken for parts of a prior that no sensor knows."""

    tilt_sigma_deg: float = TILT_SIGMA_DEG  # of a camera that looks straight down
    heading_deg: tuple[float, float] | None = None  # and its standard deviation; None: any heading
    height_above_ground_m: tuple[float, float] | None = None  # and its standard deviation


class FullPrior(NamedTuple):
    """A hint that is known in all parts, and which of them were assumed."""

    hint: Hint  # (), float64
    assumed: tuple[str, ...]  # among tilt, heading and height


def full_prior(hint: Hint | None, ground_at: GroundAt, assumed: Assumed) -> FullPrior:
    """Fill what a hint () does not know.

    Raises:
        InputError: There is no hint, it has no place, or neither it nor ``assumed`` says how high the camera is.
    """
    if hint is None or hint.variance[:2].isinf().any():
        raise InputError(
            "no prior of the position, from which the map is searched; state latitude and longitude, or x and y, "
            "see docs/priors.md"
        )
    t, q, covariance = (part.double().clone() for part in (*hint.pose, hint.covariance))
    made: list[str] = []
    if covariance[2, 2].isinf():
        if assumed.height_above_ground_m is None:
            raise InputError(
                "its prior has no altitude; state one (and altitude_above), or give "
                "height_above_ground_m=[METRES,SIGMA]"
            )
        height_m, sigma_m = assumed.height_above_ground_m
        t[2] = ground_at(float(t[0]), float(t[1])) + height_m
        covariance[2, 2] = sigma_m**2
        made.append("height")
    q, turns, parts = _full_rotation(q, covariance[3:, 3:], assumed)
    covariance[3:, 3:] = turns
    return FullPrior(Hint(Pose(t, q), covariance), (*made, *parts))


def _full_rotation(
    q: Tensor, covariance: Tensor, assumed: Assumed
) -> tuple[Tensor, Tensor, list[str]]:
    """Return a rotation (4,) with its covariance (3, 3) about the world's axes, and what was assumed of it."""
    no_tilt = bool(covariance.diagonal()[:2].isinf().any())
    no_heading = bool(covariance[2, 2].isinf())
    heading, pitch, roll = (float(angle) for angle in camera_angles(q))
    covariance = covariance.clone()
    made = []
    if no_heading:
        heading, sigma_deg = assumed.heading_deg or (heading, ANY_HEADING_DEG)
        covariance[2, 2] = math.radians(sigma_deg) ** 2
        made.append("heading")
    if no_tilt:
        pitch, roll = -90.0, 0.0
        tilt, turn = math.radians(assumed.tilt_sigma_deg), float(covariance[2, 2])
        covariance = torch.tensor([tilt**2, tilt**2, turn], dtype=torch.float64).diag()
        made.insert(0, "tilt")
    return (camera_rotation(heading, pitch, roll) if made else q), covariance, made


def check_height(hint: Hint, ground_at: GroundAt) -> None:
    """Refuse a prior () below the ground, which is most often an altitude above something else.

    Raises:
        InputError: It is.
    """
    x, y, z = hint.pose.t.tolist()
    ground_m = ground_at(x, y)
    if z <= ground_m:
        raise InputError(
            f"its prior has the altitude {z:.0f} m, the ground there {ground_m:.0f} m; check altitude_above and "
            "dem_above"
        )


def looked_at(hint: Hint, ground_at: GroundAt) -> Tensor:
    """Return x, y (2,) of what the middle of an image shows by a prior (), on level ground below the camera."""
    t, q = hint.pose
    heading, pitch, _ = camera_angles(q)
    height_m = float(t[2]) - ground_at(float(t[0]), float(t[1]))
    down = math.radians(min(max(-float(pitch), 15.0), 90.0))
    along_m = height_m / math.tan(down)
    turn = math.radians(float(heading))
    return t[:2] + along_m * torch.tensor([math.sin(turn), math.cos(turn)], dtype=torch.float64)
