"""Where the coordinates of a network count from, so that float32 holds worlds such as UTM or ECEF.

Files and answers are in the world, in float64. Samples, hints and networks are in float32, and count from a place
near the training cameras, in whole kilometres: it is (0, 0, 0) for a scene that lies there, and a scene that is
moved by whole kilometres gives the very same numbers.
"""

import torch
from torch import Tensor

from hinted_posenet.core.types import Hint, Pose

STEP_M = 1000.0
NO_OFFSET = torch.zeros(3, dtype=torch.float64)


def world_offset(positions_m: Tensor) -> Tensor:
    """Return the place (3,) float64 in the world that networks count from, for training cameras (N, 3)."""
    middle = positions_m.double().quantile(0.5, dim=0)
    return (middle / STEP_M).round() * STEP_M + 0.0  # + 0.0 turns -0 into 0


def moved_pose(pose: Pose, by_m: Tensor) -> Pose:
    """Return poses (*,) in float64 whose positions are moved by (3,) metres."""
    return Pose(pose.t.double() + by_m.to(pose.t.device), pose.q.double())


def moved_hint(hint: Hint, by_m: Tensor) -> Hint:
    """Return hints (*,) in float64 moved by (3,) metres; placeholders of axes that are not known stay."""
    pose = moved_pose(hint.pose, by_m)
    known = hint.variance[..., :3].isfinite()
    return hint._replace(pose=Pose(pose.t.where(known, hint.pose.t.double()), pose.q))
