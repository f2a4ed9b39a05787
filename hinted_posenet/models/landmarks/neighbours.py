"""Which training images are matched with each other: near enough to look alike, far enough for parallax."""

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Pose

# baselines between two cameras in units of the distance to what they see: below the first depths are vague, above
# the second few features match (on RedKitchen 8 to 60 cm at 2 m)
NEAREST, FARTHEST = 0.04, 0.3
TURNED_RAD = 0.6  # cameras that look into directions farther apart share little
FIRST = 64  # nearest cameras that are tried while the distance to the scene is not known


def baselines(pose: Pose, row: int) -> Tensor:
    """Return the distances (N,) of cameras from that of a row; infinite for itself and for those turned away."""
    away = (pose.t - pose.t[row]).norm(dim=-1)
    turned = rotation_angle(pose.q, pose.q[row].expand_as(pose.q)) > TURNED_RAD
    away = away.masked_fill(turned, torch.inf)
    away[row] = torch.inf
    found: Tensor = away
    return found


def neighbours(pose: Pose, row: int, depth_m: float, count: int) -> Tensor:
    """Return at most ``count`` rows of cameras (N,) to match with that of a row, which sees things at a depth.

    They are evenly spaced over the useful baselines; where none is, the nearest cameras are taken.
    """
    away, order = baselines(pose, row).sort()
    useful = order[(away > NEAREST * depth_m) & (away < FARTHEST * depth_m)]
    if len(useful) < count:
        useful = order[(away > NEAREST * depth_m) & away.isfinite()][:count]
    return useful[torch.linspace(0, len(useful) - 1, min(count, len(useful))).round().long()]


def first_neighbours(pose: Pose, row: int, count: int) -> Tensor:
    """Return at most ``count`` rows of cameras (N,), spaced in the logarithm of the rank of their baselines."""
    away, order = baselines(pose, row).sort()
    order = order[away.isfinite() & (away > 0)][:FIRST]
    ranks = np.unique(np.geomspace(1, max(len(order), 1), count).round().astype(int)) - 1
    return order[ranks] if len(order) else order


def keyframes(pose: Pose, depth_m: float, spacing: float, turn_rad: float) -> Tensor:
    """Return rows of cameras (N,) such that every other one is within a spacing and a turn of one of them.

    ``spacing`` is in units of ``depth_m``. Images of a video are much nearer to each other than landmarks need.
    """
    left = torch.ones(len(pose.t), dtype=torch.bool)
    chosen = []
    for row in range(len(left)):
        if left[row]:
            chosen.append(row)
            near = (pose.t - pose.t[row]).norm(dim=-1) < spacing * depth_m
            near &= rotation_angle(pose.q, pose.q[row].expand_as(pose.q)) < turn_rad
            left &= ~near
            left[row] = False
    return torch.tensor(chosen)
