"""Flights: where the camera goes, when, for which split, and what its sensors say of it."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.navigation import Navigation
from hinted_posenet.simulator.plan import Plan
from hinted_posenet.simulator.world import World
from hinted_posenet.types import Hint, InputError, Pose

SPLITS = ("train", "val", "test")


class Station(NamedTuple):
    """Where and when an image is taken, and what the navigation sensors say there."""

    T_world_cam: Pose
    time_s: float  # since the flight's first image
    velocity_m_s: NDArray[np.float64]  # (3,) in the world; zeros when hovering
    prior: Hint  # T_world_cam by GPS, compass or odometry; sigma inf where there is none


class Flight:
    """A plan flown once at each of its dates; it belongs to one split as a whole.

    Args:
        split: train, val or test.
        when: seasons or dates of the world, as `World.select` takes them.
        images: number of images taken at each date.
        plan: where they are taken.
        speed_m_s: along the path, of plans that follow one; others hover.
        interval_s: between images of plans that follow no path.
        navigation: simulated sensor that gives every image a prior; null has none.
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
        self.split, self.when = split, [str(key) for key in when]
        self.images, self.plan, self.navigation = images, plan, navigation
        self.speed_m_s, self.interval_s = speed_m_s, interval_s

    def stations(
        self, world: World, camera: Camera, generator: np.random.Generator
    ) -> list[Station]:
        """The images of one epoch, in the order in which they are taken."""
        poses = self.plan.poses(world, camera, self.images, generator)
        if not poses:
            return []
        time_s, velocity_m_s = self._timed(np.stack([pose.t.numpy() for pose in poses]))
        priors = [no_prior()] * len(poses)
        if self.navigation is not None:
            priors = self.navigation.priors(poses, time_s, sensor_stream(generator))
        return [
            Station(pose, float(at), velocity, prior)
            for pose, at, velocity, prior in zip(poses, time_s, velocity_m_s, priors, strict=True)
        ]

    def _timed(
        self, places_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (N,) and velocities (N, 3) at the places (N, 3)."""
        if not self.plan.sequential:
            time_s = self.interval_s * np.arange(len(places_m), dtype=np.float64)
            return time_s, np.zeros_like(places_m)
        steps_m = np.diff(places_m, axis=0)
        lengths_m = np.maximum(np.linalg.norm(steps_m, axis=1), 1e-6)  # time never stands still
        time_s = np.concatenate([[0.0], lengths_m.cumsum()]) / self.speed_m_s
        velocity_m_s = np.zeros_like(places_m)
        velocity_m_s[:-1] = steps_m / lengths_m[:, None] * self.speed_m_s
        velocity_m_s[-1:] = velocity_m_s[-2:-1]  # the last goes on as the one before
        return time_s, velocity_m_s


def sensor_stream(generator: np.random.Generator) -> np.random.Generator:
    """Randomness beside that of a generator: neither its draws nor its children change."""
    seed = generator.bit_generator.seed_seq
    assert isinstance(seed, np.random.SeedSequence)
    key = (*seed.spawn_key, zlib.crc32(b"navigation"))
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))


def no_prior() -> Hint:
    """The prior that says nothing: identity pose, infinite sigma."""
    pose = Pose(
        torch.zeros(3, dtype=torch.float64),
        torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64),
    )
    return Hint(pose, torch.tensor(torch.inf), torch.tensor(torch.inf))
