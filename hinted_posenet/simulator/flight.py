"""Flights: where the camera goes, when, and for which split.

Headings, roll and pitch are those of `viewpoint`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.viewpoint import nadir_quaternion, sees_only
from hinted_posenet.simulator.world import World
from hinted_posenet.types import Hint, InputError, Pose

SPLITS = ("train", "val", "test")


class Station(NamedTuple):
    """Where and when an image is taken, and what the navigation sensors say there."""

    T_world_cam: Pose
    time_s: float  # since the flight's first image
    velocity_m_s: NDArray[np.float64]  # (3,) in the world; zeros when hovering
    prior: Hint  # T_world_cam by GPS, compass or odometry; sigma inf where there is none


class Plan(Protocol):
    """Where a flight takes its images."""

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """`count` poses T_world_cam whose footprints lie inside the world."""


class Flight:
    """A plan flown once at each of its dates; it belongs to one split as a whole.

    Args:
        split: train, val or test.
        when: seasons or dates of the world, as `World.select` takes them.
        images: number of images taken at each date.
        plan: where they are taken.
    """

    def __init__(self, split: str, when: Sequence[str], images: int, plan: Plan) -> None:
        if split not in SPLITS:
            raise InputError(f"flight split: expected one of {', '.join(SPLITS)}, got {split!r}")
        self.split, self.when = split, [str(key) for key in when]
        self.images, self.plan = images, plan

    def stations(
        self, world: World, camera: Camera, generator: np.random.Generator
    ) -> list[Station]:
        """The images of one epoch, in the order in which they are taken."""
        poses = self.plan.poses(world, camera, self.images, generator)
        return [
            Station(pose, float(index), np.zeros(3), no_prior()) for index, pose in enumerate(poses)
        ]


class Attitude:
    """How high and how turned the camera flies: uniform within ranges.

    Args:
        altitude_m: lowest and highest altitude above the terrain below the camera.
        heading_deg: lowest and highest heading.
        tilt_deg: largest roll and pitch, each.
    """

    def __init__(
        self, altitude_m: Sequence[float], heading_deg: Sequence[float], tilt_deg: float
    ) -> None:
        for name, values in (("altitude_m", altitude_m), ("heading_deg", heading_deg)):
            if len(values) != 2 or values[0] > values[1]:
                raise InputError(f"flight {name}: expected [lowest, highest], got {list(values)}")
        self.altitude_m = (float(altitude_m[0]), float(altitude_m[1]))
        self.heading_deg = (float(heading_deg[0]), float(heading_deg[1]))
        self.tilt_deg = float(tilt_deg)

    def draw(self, world: World, x_m: float, y_m: float, generator: np.random.Generator) -> Pose:
        """A pose above the point (x_m, y_m)."""
        altitude_m = generator.uniform(*self.altitude_m)
        heading_deg = generator.uniform(*self.heading_deg)
        pitch_deg, roll_deg = generator.uniform(-self.tilt_deg, self.tilt_deg, size=2)
        z_m = world.terrain_at(x_m, y_m) + altitude_m
        turn = nadir_quaternion(*np.radians([heading_deg, pitch_deg, roll_deg]).tolist())
        return Pose(torch.tensor([x_m, y_m, z_m], dtype=torch.float64), turn)


class RandomPlan(Attitude):
    """Positions uniform over the world, as far as the image stays inside it."""

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """See `Plan`."""
        bounds, poses = world.bounds, list[Pose]()
        for _ in range(100 * count + 1000):
            if len(poses) == count:
                return poses
            x_m = generator.uniform(bounds.xmin, bounds.xmax)
            y_m = generator.uniform(bounds.ymin, bounds.ymax)
            pose = self.draw(world, x_m, y_m, generator)
            if sees_only(world, camera, pose):
                poses.append(pose)
        raise _too_small(world, self.altitude_m[1])


class LawnmowerPlan(Attitude):
    """Survey strips from south to north and back, side by side, with jitter.

    Flown again with new jitter when more images are asked for than one survey has.

    Args:
        altitude_m: as `Attitude`.
        heading_deg: as `Attitude`; the camera does not turn with the strips.
        tilt_deg: as `Attitude`.
        forward_overlap: share of an image that the next one of the strip sees again.
        side_overlap: share of an image that the next strip sees again.
        jitter_m: largest distance from the planned position along each axis.
    """

    def __init__(
        self,
        altitude_m: Sequence[float],
        heading_deg: Sequence[float],
        tilt_deg: float,
        forward_overlap: float = 0.8,
        side_overlap: float = 0.6,
        jitter_m: float = 5.0,
    ) -> None:
        super().__init__(altitude_m, heading_deg, tilt_deg)
        for name, share in (("forward", forward_overlap), ("side", side_overlap)):
            if not 0 <= share < 1:
                raise InputError(f"flight {name}_overlap: expected within [0, 1), got {share}")
        self.forward_overlap, self.side_overlap = forward_overlap, side_overlap
        self.jitter_m = jitter_m

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """See `Plan`."""
        stops, poses = list(self._stops(world, camera)), list[Pose]()
        for index in range(count):
            x_m, y_m = stops[index % len(stops)] + generator.uniform(-1, 1, 2) * self.jitter_m
            poses.append(self.draw(world, x_m, y_m, generator))
        return poses

    def _stops(self, world: World, camera: Camera) -> Iterator[np.ndarray]:
        """Planned positions (2,), in the order in which they are flown."""
        bounds, (lowest_m, highest_m) = world.bounds, world.height_range_m
        corner = np.hypot(camera.width, camera.height) / 2 / camera.focal_px
        widest = math.atan(corner) + math.radians(math.hypot(self.tilt_deg, self.tilt_deg))
        relief_m = highest_m - lowest_m
        margin_m = (self.altitude_m[1] + relief_m) * math.tan(widest) + self.jitter_m
        west, east = bounds.xmin + margin_m, bounds.xmax - margin_m
        south, north = bounds.ymin + margin_m, bounds.ymax - margin_m
        if widest >= math.pi / 2 or west >= east or south >= north:
            raise _too_small(world, self.altitude_m[1])
        metres_per_pixel = self.altitude_m[0] / camera.focal_px
        across_m = camera.width * metres_per_pixel * (1 - self.side_overlap)
        along_m = camera.height * metres_per_pixel * (1 - self.forward_overlap)
        strip = np.linspace(south, north, math.ceil((north - south) / along_m) + 1)
        for number, x_m in enumerate(
            np.linspace(west, east, math.ceil((east - west) / across_m) + 1)
        ):
            for y_m in strip if number % 2 == 0 else strip[::-1]:
                yield np.array([x_m, y_m])


def no_prior() -> Hint:
    """The prior that says nothing: identity pose, infinite sigma."""
    pose = Pose(
        torch.zeros(3, dtype=torch.float64),
        torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64),
    )
    return Hint(pose, torch.tensor(torch.inf), torch.tensor(torch.inf))


def _too_small(world: World, altitude_m: float) -> InputError:
    return InputError(
        f"flight: images from {altitude_m:g} m do not fit into the world of "
        f"{world.bounds.width_m:.0f} x {world.bounds.height_m:.0f} m; "
        "lower altitude_m, tilt_deg or hfov_deg, or enlarge the world"
    )
