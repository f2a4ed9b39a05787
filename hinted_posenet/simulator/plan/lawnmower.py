"""A survey: parallel strips whose images overlap."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan.attitude import Attitude, too_small
from hinted_posenet.simulator.world import World
from hinted_posenet.types import InputError, Pose


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
        gimbal_pitch_deg: as `Attitude`.
        above_ground: as `Attitude`.
    """

    sequential = True

    def __init__(
        self,
        altitude_m: Sequence[float],
        heading_deg: Sequence[float],
        tilt_deg: float,
        forward_overlap: float = 0.8,
        side_overlap: float = 0.6,
        jitter_m: float = 5.0,
        gimbal_pitch_deg: float = 0.0,
        above_ground: bool = True,
    ) -> None:
        super().__init__(altitude_m, heading_deg, tilt_deg, gimbal_pitch_deg, above_ground)
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
        outline = camera.outline_rays()
        corner = np.hypot(outline[:, 0], outline[:, 1]).max()
        widest = math.atan(corner) + math.radians(
            self.gimbal_pitch_deg + math.hypot(self.tilt_deg, self.tilt_deg)
        )
        ground_m = highest_m if self.above_ground else 0.0  # the highest that altitudes count from
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
