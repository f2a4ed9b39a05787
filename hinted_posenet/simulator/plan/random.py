"""Positions at random: every place is as likely as any other."""

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan.attitude import Attitude, too_small
from hinted_posenet.simulator.viewpoint import sees_only
from hinted_posenet.simulator.world import World
from hinted_posenet.types import Pose


class RandomPlan(Attitude):
    """Positions uniform over the world, as far as the image stays inside it."""

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
