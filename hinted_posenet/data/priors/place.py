"""Place the priors of a file in the world of a scene, with what its user states where the file does not."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError, near
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.reading import Reading, without

ALTITUDES = ("ellipsoid", "geoid", "takeoff", "ground", "scene")  # what an altitude may be above
IGNORE = "ignore"


GroundAt = Callable[[float, float], float]  # x, y of the scene -> z of the ground


class PriorKeys(NamedTuple):
    """What the user states about a file of priors, where the file does not; `prior_keys` checks them."""

    # standard deviations per axis, (horizontal, vertical) in metres; inf leaves that part out
    prior_sigma_m: tuple[float, float] | None = None
    prior_sigma_r_deg: float | None = None  # per axis; inf leaves rotations out
    # one of `ALTITUDES`, "ignore", or None: the file says it
    altitude_above: str | None = None
    takeoff_altitude_m: float | None = None  # z of the place of take-off in the scene
    ground_m: float | None = None  # z of the ground in the scene
    ground_at: GroundAt | None = None  # the same where it is not level, in place of ground_m


def prior_keys(
    prior_sigma_m: Sequence[float] | None,
    prior_sigma_r_deg: float | Literal["ignore"] | None,
    altitude_above: str | None,
    takeoff_altitude_m: float | None,
    ground_m: float | None,
) -> PriorKeys:
    """Return the keys of a command line, where prior_sigma_m is [horizontal, vertical].

    Raises:
        InputError: One of them makes no sense.
    """
    sigma_m, known = prior_sigma_m or (1.0, 1.0), (*ALTITUDES, IGNORE)
    if len(sigma_m) != 2 or not min(sigma_m) > 0:
        raise InputError(
            f"prior_sigma_m={list(sigma_m)}: expected [horizontal,vertical], standard deviations above 0 "
            "in metres"
        )
    sigma_r_deg = math.inf if isinstance(prior_sigma_r_deg, str) else prior_sigma_r_deg
    if sigma_r_deg is not None and not sigma_r_deg > 0:
        raise InputError(
            f"prior_sigma_r_deg={sigma_r_deg:g}: expected degrees above 0, or {IGNORE}"
        )
    if altitude_above not in (None, *known):
        raise InputError(
            f"altitude_above={altitude_above}: expected one of {', '.join(known)}"
            f"{near(str(altitude_above), known)}"
        )
    return PriorKeys(
        None if prior_sigma_m is None else (sigma_m[0], sigma_m[1]),
        sigma_r_deg,
        altitude_above,
        takeoff_altitude_m,
        ground_m,
    )


class Prior(NamedTuple):
    """One prior in the world of the scene."""

    where: str  # file and line
    name: str | None  # of the image; None where it is found by time
    time_s: float | None
    hint: Hint  # (), float64


def place(readings: Sequence[Reading], keys: PriorKeys, origin: Origin | None) -> list[Prior]:
    """Place readings in a world, whose origin on Earth is None if it is not known.

    A part that is not known has infinite variance, and 0 or no rotation as its value; nan that a file states
    stays.

    Raises:
        InputError: A place on Earth or an altitude cannot be converted, or a standard deviation is not stated.
    """
    if keys.altitude_above == IGNORE:
        level = torch.tensor([False, False, True, False, False, False])
        readings = [
            reading._replace(covariance=without(reading.covariance, level))
            if reading.geographic
            else reading
            for reading in readings
        ]
    positions = _positions(readings, keys, origin)
    return [_placed(*pair, keys) for pair in zip(readings, positions, strict=True)]


def _positions(readings: Sequence[Reading], keys: PriorKeys, origin: Origin | None) -> list[Tensor]:
    """Return positions (3,) in metres of the world, those of one kind of altitude converted together."""
    positions = [reading.position for reading in readings]
    kinds: dict[str | None, list[int]] = {}
    for i, reading in enumerate(readings):
        if reading.geographic:
            kinds.setdefault(altitude_kind(reading, keys), []).append(i)
    for above, rows in kinds.items():
        first = readings[rows[0]]
        if origin is None:
            raise InputError(
                f"{first.where}: states latitude and longitude, and the scene does not know its place on "
                f"Earth; state x, y, z in its metres, or see {CARD} on georeferencing"
            )
        latitude, longitude, altitude = torch.stack([positions[i] for i in rows]).T.numpy()
        lifted_m = _lifted_m(above, keys, origin, first.where)
        datum = above if above in ("ellipsoid", "geoid") else None
        try:
            found = origin.to_world(latitude, longitude, altitude + lifted_m, datum)
        except InputError as error:
            raise InputError(f"{first.where}: {error}") from None
        for i, position in zip(rows, found, strict=True):
            if above == "ground" and keys.ground_m is None and keys.ground_at:
                position[2] += keys.ground_at(float(position[0]), float(position[1]))
            positions[i] = position
    return positions


def altitude_kind(reading: Reading, keys: PriorKeys) -> str | None:
    """Return what the altitude of a reading is above; None if there is none.

    Raises:
        InputError: Neither the file nor the key says it, or they contradict each other.
    """
    if reading.covariance[2, 2].isinf() or keys.altitude_above == IGNORE:
        return None
    stated, asked = reading.altitude_above, keys.altitude_above
    if stated not in (None, *ALTITUDES):
        raise InputError(
            f"{reading.where}: altitude_above is {stated!r}, expected one of {', '.join(ALTITUDES)}"
        )
    if stated and asked and stated != asked:
        raise InputError(
            f"{reading.where}: its altitude is above {stated}, and altitude_above={asked} says "
            "otherwise; correct one of them"
        )
    if not (stated or asked):
        raise InputError(
            f"{reading.where}: does not say what its altitude is above; give altitude_above="
            f"{', '.join(ALTITUDES)}, or {IGNORE} to leave altitudes out, see {CARD}"
        )
    return stated or asked


def _lifted_m(above: str | None, keys: PriorKeys, origin: Origin, where: str) -> float:
    """Return what to add to an altitude, so that it counts from where the origin's does."""
    needed = {"takeoff": "takeoff_altitude_m", "ground": "ground_m"}
    if above not in needed:
        return 0.0
    height_m = keys.takeoff_altitude_m if above == "takeoff" else keys.ground_m
    if above == "ground" and height_m is None and keys.ground_at:
        return origin.altitude_m  # the ground below each is added later
    if height_m is None:
        raise InputError(
            f"{where}: its altitude is above {above}; give {needed[above]}, the height of that in z of "
            "the scene in metres"
        )
    return height_m + origin.altitude_m


def _placed(reading: Reading, position: Tensor, keys: PriorKeys) -> Prior:
    """Return a reading at a position (3,) of the world, with all of its covariance."""
    covariance = reading.covariance
    missing = covariance.diagonal().isnan()
    if bool(missing.any()):
        cleared = covariance.masked_fill(missing[:, None] | missing, 0.0)
        sigmas = torch.tensor(_asked_sigmas(missing, keys, reading.where), dtype=torch.float64)
        covariance = cleared + torch.where(missing, sigmas.square(), 0.0).diag_embed()
        covariance = without(covariance, covariance.diagonal().isinf())
    unknown = covariance.diagonal()[:3].isinf()
    no_turn = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    pose = Pose(position.masked_fill(unknown, 0.0), no_turn if reading.q is None else reading.q)
    return Prior(reading.where, reading.name, reading.time_s, Hint(pose, covariance))


def _asked_sigmas(missing: Tensor, keys: PriorKeys, where: str) -> list[float]:
    """Return the standard deviations (6,) of the keys, of which those that are ``missing`` (6,) must be there."""
    if bool(missing[:3].any()) and keys.prior_sigma_m is None:
        raise InputError(
            f"{where}: does not say how exact its position is; add a column such as sigma_t_m, or give "
            "prior_sigma_m=[horizontal,vertical], one standard deviation per axis in metres"
        )
    if bool(missing[3:].any()) and keys.prior_sigma_r_deg is None:
        raise InputError(
            f"{where}: does not say how exact its rotation is; add a column such as sigma_r_deg, or give "
            "prior_sigma_r_deg in degrees, ignore to leave rotations out"
        )
    horizontal, vertical = keys.prior_sigma_m or (1.0, 1.0)
    turn = math.radians(1.0 if keys.prior_sigma_r_deg is None else keys.prior_sigma_r_deg)
    return [horizontal, horizontal, vertical, turn, turn, turn]
