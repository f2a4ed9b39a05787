"""From the fields of a request to a hint and a camera."""

import math
import re
from collections.abc import Collection, Sequence
from typing import Protocol

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin, camera_rotation
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.priors.check import fault_of
from hinted_posenet.data.priors.place import GroundAt
from hinted_posenet.data.query_camera import QueryCamera, given_camera
from hinted_posenet.inference.service_models import NUMBER, SIGMA, LocateForm

LEAST_SIGMA, MOST_SIGMA = 1e-3, 1e6  # metres or degrees: less no sensor has, more says nothing
UNIT = 0.01  # how far the length of a quaternion may be from 1
NO_TURN = (1.0, 0.0, 0.0, 0.0)


class World(Protocol):
    """Where hints are placed."""

    @property
    def origin(self) -> Origin | None:
        """Where it lies on Earth."""

    @property
    def extent(self) -> tuple[torch.Tensor, float]:
        """Center (3,) and size in metres."""


def camera_of(form: LocateForm) -> QueryCamera | None:
    """Return the camera that a request states, None where it states none.

    Raises:
        InputError: It states two, or one that is no camera.
    """
    return given_camera(None if form.K is None else _numbers(form.K, "K", (4,)), form.focal_px)


def hint_of(form: LocateForm, world: World, ground_at: GroundAt | None) -> Hint | None:
    """Return the hint () of a request, None where it states nothing.

    Raises:
        InputError: Fields are missing or exclude each other, or the hint cannot be right.
    """
    position_m = _position(form, world.origin, ground_at)
    q, sigma_deg = _rotation(form)
    if position_m is None:
        _refuse_alone(form)
        if math.isinf(min(sigma_deg)):
            return None
        position_m, sigma_m = [0.0, 0.0, 0.0], [math.inf] * 3
    else:
        sigma_m = _three(_sigmas(form.sigma_m, "sigma_m", "the position", (1, 2, 3)))
    sigma_m = [
        math.inf if math.isnan(part) else sigma
        for part, sigma in zip(position_m, sigma_m, strict=True)
    ]
    pose = Pose(torch.tensor(position_m, dtype=torch.float64), q)
    hint = Hint.from_pose(pose, sigma_m, sigma_deg)
    if fault := fault_of(hint, *world.extent):
        raise InputError(f"hint: {fault}; correct it")
    return hint


def _position(
    form: LocateForm, origin: Origin | None, ground_at: GroundAt | None
) -> list[float] | None:
    """Return x, y, z in metres of the world, z nan where it is not known; None without a position."""
    earth = form.latitude is not None or form.longitude is not None
    if form.altitude is None and form.altitude_above is not None:
        raise InputError("altitude_above: of no altitude; give one")
    if form.position_m is not None and earth:
        raise InputError("position_m and latitude: two positions; give one of them")
    if form.position_m is not None:
        place = _numbers(form.position_m, "position_m", (3,))
        if form.altitude is not None:
            raise InputError("altitude: goes with latitude and longitude; give z in position_m")
    elif earth:
        place = _from_earth(form, origin)
    else:
        return None
    if form.height_above_ground_m is not None:
        if ground_at is None:
            raise InputError(
                "height_above_ground_m: the ground is not known here; give z or an altitude"
            )
        place[2] = ground_at(place[0], place[1]) + form.height_above_ground_m
    return place


def _from_earth(form: LocateForm, origin: Origin | None) -> list[float]:
    if form.latitude is None or form.longitude is None:
        raise InputError("latitude and longitude: one is missing; give both")
    if origin is None:
        raise InputError(
            "latitude: the scene does not know its place on Earth; give position_m in its metres"
        )
    altitude, above = form.altitude, form.altitude_above
    if altitude is not None and form.height_above_ground_m is not None:
        raise InputError("altitude and height_above_ground_m: two heights; give one of them")
    if altitude is not None and above is None:
        raise InputError("altitude: say what it is above, altitude_above=ellipsoid or geoid")
    place = origin.to_world(
        form.latitude, form.longitude, math.nan if altitude is None else altitude, above
    )
    if not place[:2].isfinite().all():
        raise InputError("latitude and longitude: too far from the scene; correct them")
    return [float(part) for part in place]


def _rotation(form: LocateForm) -> tuple[torch.Tensor, list[float]]:
    """Return q (4,) and the standard deviations in degrees about the world's axes."""
    if form.heading_deg is not None and form.quaternion is not None:
        raise InputError("heading_deg and quaternion: two rotations; give one of them")
    if form.heading_deg is not None:
        *_, heading = _sigmas(form.sigma_r_deg, "sigma_r_deg", "the heading")
        return camera_rotation(form.heading_deg, 0.0, 0.0), [math.inf, math.inf, heading]
    if form.quaternion is not None:
        q = torch.tensor(_numbers(form.quaternion, "quaternion", (4,)), dtype=torch.float64)
        length = float(q.norm())
        if not abs(length - 1) <= UNIT:
            raise InputError(f"quaternion: its length is {length:.4g}, expected 1; normalize it")
        return q, _three(_sigmas(form.sigma_r_deg, "sigma_r_deg", "the rotation"))
    if form.sigma_r_deg is not None:
        raise InputError("sigma_r_deg: of no rotation; give heading_deg or quaternion")
    return torch.tensor(NO_TURN, dtype=torch.float64), [math.inf] * 3


def _refuse_alone(form: LocateForm) -> None:
    """Refuse what goes with a position where there is none."""
    for name in ("sigma_m", "altitude", "altitude_above", "height_above_ground_m"):
        if getattr(form, name) is not None:
            raise InputError(f"{name}: of no position; give position_m, or latitude and longitude")


def _sigmas(text: str | None, name: str, of: str, counts: Collection[int] = (1, 2)) -> list[float]:
    """Return standard deviations; inf for those that say nothing."""
    if text is None:
        raise InputError(
            f"{name}: missing; give the standard deviation of {of}, since a hint counts by it"
        )
    sigmas = _numbers(text, name, counts, SIGMA)
    if not all(sigma >= LEAST_SIGMA for sigma in sigmas):
        raise InputError(f"{name}={text}: expected {LEAST_SIGMA} or more, or inf")
    return [sigma if sigma <= MOST_SIGMA else math.inf for sigma in sigmas]


def _three(sigmas: Sequence[float]) -> list[float]:
    """Return one for each axis of one for all, of two for the first two and the last, or of three."""
    return list(sigmas) if len(sigmas) == 3 else [sigmas[0], sigmas[0], sigmas[-1]]


def _numbers(text: str, name: str, counts: Collection[int], one: str = NUMBER) -> list[float]:
    """Return the numbers of a field.

    Raises:
        InputError: There are more or fewer, or one is no number.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) in counts and all(re.fullmatch(one, part) for part in parts):
        numbers = [float(part) for part in parts]
        if one == SIGMA or all(map(math.isfinite, numbers)):
            return numbers
    expected = " or ".join(str(count) for count in counts)
    raise InputError(f"{name}={text[:60]}: expected {expected} numbers with commas in between")
