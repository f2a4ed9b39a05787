"""Flights: where the camera goes, when, for which split, and the readings of GNSS or odometry there."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Hint, Pose, no_prior
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan import Plan
from hinted_posenet.simulator.world import World

SPLITS = ("train", "val", "test")


class Navigation(Protocol):
    """A sensor that knows roughly where the camera is."""

    def priors(
        self, poses: Sequence[Pose], time_s: NDArray[np.float64], generator: np.random.Generator
    ) -> list[Hint]:
        """Return one reading for each true pose T_world_cam (float64), taken at times (N,)."""


@dataclass(frozen=True)
class Gnss:
    """Satellite positions with an attitude sensor: white noise, and a slowly wandering bias.

    The bias is a first-order Gauss-Markov process: its correlation falls to 1/e in ``bias_time_s``.

    Args:
        horizontal_sigma_m: white noise of east and of north.
        vertical_sigma_m: white noise of the height.
        attitude_sigma_deg: white noise of the rotation about each camera axis.
        bias_sigma_m: standard deviation of the bias along each axis; 0 for none.
        bias_time_s: correlation time of the bias.
    """

    horizontal_sigma_m: float
    vertical_sigma_m: float
    attitude_sigma_deg: float
    bias_sigma_m: float = 0.0
    bias_time_s: float = 60.0

    def __post_init__(self) -> None:
        sigmas = self.horizontal_sigma_m, self.vertical_sigma_m, self.attitude_sigma_deg
        if not min(*sigmas, self.bias_time_s) > 0:
            raise InputError("navigation.gnss: sigmas and bias_time_s must be above 0")
        if self.bias_sigma_m < 0:
            raise InputError("navigation.gnss: bias_sigma_m must not be negative")

    def priors(
        self, poses: Sequence[Pose], time_s: NDArray[np.float64], generator: np.random.Generator
    ) -> list[Hint]:
        """See `Navigation`."""
        sigma_m = np.repeat([self.horizontal_sigma_m, self.vertical_sigma_m], [2, 1])
        sigma_rad = math.radians(self.attitude_sigma_deg)
        stated_m = math.sqrt(float((sigma_m**2).mean()) + self.bias_sigma_m**2)
        bias_m = self.bias_sigma_m * generator.standard_normal(3)
        hints = []
        for pose, elapsed_s in zip(poses, np.diff(time_s, prepend=time_s[:1]), strict=True):
            kept = math.exp(-elapsed_s / self.bias_time_s)
            fresh = self.bias_sigma_m * math.sqrt(1 - kept**2)
            bias_m = kept * bias_m + fresh * generator.standard_normal(3)
            error_m = bias_m + sigma_m * generator.standard_normal(3)
            error_rad = torch.from_numpy(sigma_rad * generator.standard_normal(3))
            q = quaternion_product(pose.q, quaternion_exp(error_rad))
            hints.append(_hint(Pose(pose.t + torch.from_numpy(error_m), q), stated_m, sigma_rad))
        return hints


@dataclass(frozen=True)
class Odometry:
    """Noisy motion from frame to frame, summed up from a known first pose; errors grow with distance.

    Position and orientation are random walks over the distance flown, and the error of the heading
    rotates every later step.

    Args:
        drift_m_per_sqrt_m: position noise along each axis after one metre; it grows with the root of
            the distance.
        rotation_drift_deg_per_sqrt_m: orientation noise about each world axis after one metre.
        start_sigma_m: noise of the first position.
        start_sigma_deg: noise of the first orientation.
    """

    drift_m_per_sqrt_m: float
    rotation_drift_deg_per_sqrt_m: float
    start_sigma_m: float = 0.1
    start_sigma_deg: float = 0.1

    def __post_init__(self) -> None:
        if not min(vars(self).values()) > 0:
            raise InputError("navigation.odometry: drifts and start sigmas must be above 0")

    def priors(
        self, poses: Sequence[Pose], time_s: NDArray[np.float64], generator: np.random.Generator
    ) -> list[Hint]:
        """See `Navigation`."""
        drift_m, start_m = self.drift_m_per_sqrt_m, self.start_sigma_m
        drift_rad = math.radians(self.rotation_drift_deg_per_sqrt_m)
        start_rad = math.radians(self.start_sigma_deg)
        steps_m = [torch.zeros(3, dtype=torch.float64)]
        steps_m += [b.t - a.t for a, b in pairwise(poses)]
        turn = quaternion_exp(start_rad * _normal(generator))  # from true to read orientation
        place = poses[0].t + start_m * _normal(generator)
        angle2, white2 = start_rad**2, start_m**2
        # covariance of the position due to orientation errors, and its covariance with the orientation
        lever2, cross = np.zeros((3, 3)), np.zeros((3, 3))
        hints = []
        for pose, step_m in zip(poses, steps_m, strict=True):
            length_m = float(step_m.norm())
            # first order: error of a step is arm @ rotation error
            arm = np.cross(step_m.numpy(), np.eye(3))
            lever2 = lever2 + cross @ arm.T + arm @ cross.T + angle2 * arm @ arm.T
            cross = cross + angle2 * arm
            place = place + rotate(turn, step_m)
            place = place + drift_m * math.sqrt(length_m) * _normal(generator)
            white2 += drift_m**2 * length_m
            noise = drift_rad * math.sqrt(length_m) * _normal(generator)
            turn = quaternion_product(quaternion_exp(noise), turn)
            angle2 += drift_rad**2 * length_m
            stated_m = math.sqrt(white2 + float(np.trace(lever2)) / 3)
            read = Pose(place, quaternion_product(turn, pose.q))
            hints.append(_hint(read, stated_m, math.sqrt(angle2)))
        return hints


def _normal(generator: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(generator.standard_normal(3))


def _hint(pose: Pose, sigma_t_m: float, sigma_r_rad: float) -> Hint:
    exact = torch.float64
    sigmas = (torch.tensor(sigma, dtype=exact) for sigma in (sigma_t_m, sigma_r_rad))
    return Hint.isotropic(pose, *sigmas)


class Station(NamedTuple):
    """Where and when an image is taken, and the reading of the navigation sensor there."""

    T_world_cam: Pose
    time_s: float  # since the flight's first image
    velocity_m_s: NDArray[np.float64]  # (3,) in the world; zeros when hovering
    prior: Hint  # T_world_cam by GPS, compass or odometry; sigma inf where there is none


class Flight:
    """A plan flown once at each of its dates; the whole flight belongs to one split.

    Not a dataclass: hydra would copy one that is an argument of `build` into a config.

    Args:
        split: train, val or test.
        when: seasons or dates of the world, as `World.select` takes them.
        images: number of images taken at each date.
        plan: where they are taken.
        speed_m_s: speed along the path, of plans that follow one; others hover.
        interval_s: time between images, of plans that follow no path.
        navigation: simulated sensor that gives every image a prior; null for none.
    """

    def __init__(
        self,
        split: str,
        when: Sequence[str],
        images: int,
        plan: Plan,
        speed_m_s: float = 15.0,
        interval_s: float = 1.0,
        navigation: Navigation | None = None,
    ) -> None:
        if split not in SPLITS:
            raise InputError(f"flight split: expected one of {', '.join(SPLITS)}, got {split!r}")
        for name, value in (("speed_m_s", speed_m_s), ("interval_s", interval_s)):
            if not value > 0:
                raise InputError(f"flight {name}: expected above 0, got {value}")
        self.split, self.when, self.images, self.plan = split, when, images, plan
        self.speed_m_s, self.interval_s, self.navigation = speed_m_s, interval_s, navigation

    def stations(
        self, world: World, camera: Camera, generator: np.random.Generator
    ) -> list[Station]:
        """Return the images of one capture, in the order in which they are taken."""
        poses = self.plan.poses(world, camera, self.images, generator)
        if not poses:
            return []
        places_m = np.stack([pose.t.numpy() for pose in poses])
        time_s = self.interval_s * np.arange(len(poses), dtype=np.float64)
        velocity_m_s = np.zeros_like(places_m)
        if self.plan.sequential:
            steps_m = np.diff(places_m, axis=0)
            lengths_m = np.maximum(np.linalg.norm(steps_m, axis=1), 1e-6)  # time never stands still
            time_s = np.concatenate([[0.0], lengths_m.cumsum()]) / self.speed_m_s
            velocity_m_s[:-1] = steps_m / lengths_m[:, None] * self.speed_m_s
            velocity_m_s[-1:] = velocity_m_s[-2:-1]  # the last equals the one before
        priors = [no_prior(torch.float64)] * len(poses)
        if self.navigation is not None:
            priors = self.navigation.priors(poses, time_s, sensor_stream(generator))
        return [
            Station(pose, float(at), velocity, prior)
            for pose, at, velocity, prior in zip(poses, time_s, velocity_m_s, priors, strict=True)
        ]


def sensor_stream(generator: np.random.Generator) -> np.random.Generator:
    """Return a generator beside another one, whose draws and children do not change."""
    seed = generator.bit_generator.seed_seq
    assert isinstance(seed, np.random.SeedSequence)
    key = (*seed.spawn_key, zlib.crc32(b"navigation"))
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
