"""An orbit: a circle around a point that the camera looks at."""

import math
from collections.abc import Sequence

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan.attitude import too_small
from hinted_posenet.simulator.viewpoint import pose_at, sees_only
from hinted_posenet.simulator.world import World
from hinted_posenet.types import InputError, Pose


class OrbitPlan:
    """Once clockwise around a point on the ground, which stays near the middle of the image.

    Args:
        centre_m: east and north of the point; null takes the middle of the world.
        radius_m: of the circle.
        altitude_m: above the terrain at the point, the same all the way round.
        tilt_deg: largest deviation of roll and of pitch from looking at the point.
    """

    sequential = True

    def __init__(
        self,
        radius_m: float,
        altitude_m: float,
        tilt_deg: float = 0.0,
        centre_m: Sequence[float] | None = None,
    ) -> None:
        if not (radius_m > 0 and altitude_m > 0):
            raise InputError("flight orbit: expected radius_m and altitude_m above 0")
        if centre_m is not None and len(centre_m) != 2:
            raise InputError(f"flight centre_m: expected [east, north], got {list(centre_m)}")
        self.radius_m, self.altitude_m, self.tilt_deg = radius_m, altitude_m, tilt_deg
        self.centre_m = centre_m

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """See `Plan`."""
        bounds = world.bounds
        x_m, y_m = self.centre_m or (
            (bounds.xmin + bounds.xmax) / 2,
            (bounds.ymin + bounds.ymax) / 2,
        )
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
