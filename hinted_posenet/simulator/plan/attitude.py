"""What every plan shares: how high and how turned the camera flies.

Headings, roll and pitch are those of `viewpoint`.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.viewpoint import pose_at
from hinted_posenet.simulator.world import World
from hinted_posenet.types import InputError, Pose


class Plan(Protocol):
    """Where a flight takes its images."""

    sequential: bool  # whether the poses follow one path, so that time is length over speed

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """`count` poses T_world_cam whose footprints lie inside the world."""


class Attitude:
    """How high and how turned the camera flies: uniform within ranges.

    Args:
        altitude_m: lowest and highest altitude above the terrain below the camera.
        heading_deg: lowest and highest heading.
        tilt_deg: largest deviation of roll and of pitch from the gimbal's.
        gimbal_pitch_deg: 0 looks straight down, 60 far ahead, towards the heading.
        above_ground: whether altitudes count from the terrain below; else from the world's z = 0.
    """

    def __init__(
        self,
        altitude_m: Sequence[float],
        heading_deg: Sequence[float],
        tilt_deg: float,
        gimbal_pitch_deg: float = 0.0,
        above_ground: bool = True,
    ) -> None:
        for name, values in (("altitude_m", altitude_m), ("heading_deg", heading_deg)):
            if len(values) != 2 or values[0] > values[1]:
                raise InputError(f"flight {name}: expected [lowest, highest], got {list(values)}")
        if not 0 <= gimbal_pitch_deg < 90:
            raise InputError(
                f"flight gimbal_pitch_deg: expected within [0, 90), got {gimbal_pitch_deg}"
            )
        self.altitude_m = (float(altitude_m[0]), float(altitude_m[1]))
        self.heading_deg = (float(heading_deg[0]), float(heading_deg[1]))
        self.tilt_deg, self.gimbal_pitch_deg = float(tilt_deg), float(gimbal_pitch_deg)
        self.above_ground = above_ground

    def draw(self, world: World, x_m: float, y_m: float, generator: np.random.Generator) -> Pose:
        """A pose above the point (x_m, y_m)."""
        altitude_m = generator.uniform(*self.altitude_m)
        heading_deg = generator.uniform(*self.heading_deg)
        pitch_deg, roll_deg = generator.uniform(-self.tilt_deg, self.tilt_deg, size=2)
        ground_m = world.terrain_at(x_m, y_m) if self.above_ground else 0.0
        pitch_deg += self.gimbal_pitch_deg
        return pose_at((x_m, y_m, ground_m + altitude_m), heading_deg, pitch_deg, roll_deg)


def too_small(world: World, altitude_m: float) -> InputError:
    """The error for images that reach beyond the world."""
    return InputError(
        f"flight: images from {altitude_m:g} m do not fit into the world of "
        f"{world.bounds.width_m:.0f} x {world.bounds.height_m:.0f} m; "
        "lower altitude_m, tilt_deg, gimbal_pitch_deg or hfov_deg, or enlarge the world"
    )
