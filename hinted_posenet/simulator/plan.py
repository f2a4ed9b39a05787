"""Flight plans: survey strips, orbits and random positions; way_points.py adds paths from files."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera, pose_at, sees_only
from hinted_posenet.simulator.world import World


class Plan(Protocol):
    """Where a flight takes its images."""

    sequential: bool  # whether the poses follow one path, flown at a constant speed

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """Return ``count`` poses T_world_cam whose footprints lie inside the world."""


@dataclass(frozen=True)
class Attitude:
    """Altitude and rotation of the camera, uniform within ranges.

    Args:
        altitude_m: lowest and highest altitude above the terrain below the camera.
        heading_deg: lowest and highest heading.
        tilt_deg: largest deviation of roll and of pitch from the gimbal's.
        gimbal_pitch_deg: 0 looks straight down, 60 far ahead, towards the heading.
        above_ground: whether altitudes count from the terrain below; else from the world's z = 0.
    """

    altitude_m: Sequence[float]
    heading_deg: Sequence[float]
    tilt_deg: float
    gimbal_pitch_deg: float = 0.0
    above_ground: bool = True

    def __post_init__(self) -> None:
        for name in ("altitude_m", "heading_deg"):
            values = getattr(self, name)
            if len(values) != 2 or values[0] > values[1]:
                raise InputError(f"flight {name}: expected [lowest, highest], got {list(values)}")
        if not 0 <= self.gimbal_pitch_deg < 90:
            raise InputError(
                f"flight gimbal_pitch_deg: expected within [0, 90), got {self.gimbal_pitch_deg}"
            )

    def draw(self, world: World, x_m: float, y_m: float, generator: np.random.Generator) -> Pose:
        """Draw a pose above the point (x_m, y_m)."""
        altitude_m = generator.uniform(self.altitude_m[0], self.altitude_m[1])
        heading_deg = generator.uniform(self.heading_deg[0], self.heading_deg[1])
        pitch_deg, roll_deg = generator.uniform(-self.tilt_deg, self.tilt_deg, size=2)
        ground_m = world.terrain_at(x_m, y_m) if self.above_ground else 0.0
        pitch_deg += self.gimbal_pitch_deg
        return pose_at((x_m, y_m, ground_m + altitude_m), heading_deg, pitch_deg, roll_deg)


def too_small(world: World, altitude_m: float) -> InputError:
    """Return the error for images that reach beyond the world."""
    return InputError(
        f"flight: images from {altitude_m:g} m do not fit into the world of {world.bounds.size}; "
        "lower altitude_m, tilt_deg, gimbal_pitch_deg or hfov_deg, or enlarge the world"
    )


@dataclass(frozen=True)
class LawnmowerPlan(Attitude):
    """Survey strips from south to north and back, side by side, with jitter.

    The survey is repeated with new jitter for more images than one survey has. The camera does not
    turn with the strips. The first five arguments are those of `Attitude`.

    Args:
        forward_overlap: share of an image that the next one of the strip shows again.
        side_overlap: share of an image that the next strip shows again.
        jitter_m: largest distance from the planned position along each axis.
    """

    forward_overlap: float = 0.8
    side_overlap: float = 0.6
    jitter_m: float = 5.0
    sequential = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, share in (("forward", self.forward_overlap), ("side", self.side_overlap)):
            if not 0 <= share < 1:
                raise InputError(f"flight {name}_overlap: expected within [0, 1), got {share}")

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
        """Yield planned positions (2,), in the order in which they are flown."""
        bounds, (lowest_m, highest_m) = world.bounds, world.height_range_m
        outline = camera.outline_rays()
        corner = np.hypot(outline[:, 0], outline[:, 1]).max()
        widest = math.atan(corner) + math.radians(
            self.gimbal_pitch_deg + math.hypot(self.tilt_deg, self.tilt_deg)
        )
        ground_m = highest_m if self.above_ground else 0.0  # highest zero of the altitudes
        margin_m = (self.altitude_m[1] + ground_m - lowest_m) * math.tan(widest) + self.jitter_m
        west, east = bounds.xmin + margin_m, bounds.xmax - margin_m
        south, north = bounds.ymin + margin_m, bounds.ymax - margin_m
        if widest >= math.pi / 2 or west >= east or south >= north:
            raise too_small(world, self.altitude_m[1])
        metres_per_pixel = self.altitude_m[0] / camera.focal_px
        across_m = camera.width * metres_per_pixel * (1 - self.side_overlap)
        along_m = camera.height * metres_per_pixel * (1 - self.forward_overlap)
        strip = np.linspace(south, north, math.ceil((north - south) / along_m) + 1)
        for x_m in np.linspace(west, east, math.ceil((east - west) / across_m) + 1):
            for y_m in strip:
                yield np.array([x_m, y_m])
            strip = strip[::-1]  # and back


@dataclass(frozen=True)
class OrbitPlan:
    """A clockwise circle around a point on the ground, which stays near the center of the image.

    Args:
        radius_m: radius of the circle.
        altitude_m: constant altitude above the terrain at the point.
        tilt_deg: largest deviation of roll and of pitch from looking at the point.
        center_m: east and north of the point; null takes the center of the world.
    """

    radius_m: float
    altitude_m: float
    tilt_deg: float = 0.0
    center_m: Sequence[float] | None = None
    sequential = True

    def __post_init__(self) -> None:
        if not (self.radius_m > 0 and self.altitude_m > 0):
            raise InputError("flight orbit: expected radius_m and altitude_m above 0")
        if self.center_m is not None and len(self.center_m) != 2:
            raise InputError(f"flight center_m: expected [east, north], got {list(self.center_m)}")

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """See `Plan`."""
        x_m, y_m = self.center_m or world.bounds.center_m
        z_m = world.terrain_at(x_m, y_m) + self.altitude_m
        look_pitch_deg = math.degrees(math.atan2(self.radius_m, self.altitude_m))
        poses = []
        for azimuth_deg in np.arange(count) * 360.0 / max(count, 1):
            azimuth = math.radians(azimuth_deg)
            east_m, north_m = self.radius_m * math.sin(azimuth), self.radius_m * math.cos(azimuth)
            pitch_deg, roll_deg = generator.uniform(-self.tilt_deg, self.tilt_deg, size=2)
            position_m = (x_m + east_m, y_m + north_m, z_m)
            pose = pose_at(position_m, azimuth_deg + 180, look_pitch_deg + pitch_deg, roll_deg)
            if not sees_only(world, camera, pose):
                raise too_small(world, self.altitude_m)
            poses.append(pose)
        return poses


@dataclass(frozen=True)
class RandomPlan(Attitude):
    """Positions uniform over the world, as far as the image stays inside it; see `Attitude`."""

    sequential = False

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
        raise too_small(world, self.altitude_m[1])
