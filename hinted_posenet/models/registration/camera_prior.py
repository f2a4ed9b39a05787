"""What is known of a camera before any hint: how the cameras of the training set hung over the ground."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hinted_posenet.core.covariance import given
from hinted_posenet.core.geometry import mean_quaternion, robust_box, world_rotvec
from hinted_posenet.core.types import Hint, Pose

LEAST_TURN_RAD = math.radians(0.5)  # standard deviation: no fleet holds its cameras steadier
LEAST_HEIGHT = 0.05  # of the height above ground, likewise
WIDE = 2.0  # of the half extent of the training cameras: a hint alone says where a camera is


class CameraPrior(nn.Module):
    """Mean and spread of training cameras, as buffers; completes hints by Bayes' rule.

    The height is above the ground below the camera, so that it holds over hills, too.
    """

    center_m: Tensor  # (2,) east and north
    spread_m: Tensor  # () standard deviation of these
    above_m: Tensor  # () mean height above ground
    above_spread_m: Tensor  # ()
    mean_q: Tensor  # (4,)
    turn_covariance: Tensor  # (3, 3) about the world's axes, square radians

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center_m", torch.zeros(2))
        self.register_buffer("spread_m", torch.ones(()))
        self.register_buffer("above_m", torch.ones(()))
        self.register_buffer("above_spread_m", torch.ones(()))
        self.register_buffer("mean_q", torch.tensor([0.0, 1.0, 0.0, 0.0]))
        self.register_buffer("turn_covariance", torch.eye(3))

    def fit(self, truth: Pose, above_m: Tensor) -> None:
        """Measure poses (N,) and their heights above ground (N,)."""
        center_m, half_m = robust_box(truth.t)
        self.center_m.copy_(center_m[:2])
        self.spread_m.copy_(WIDE * half_m)
        middle_m = above_m.quantile(0.5)
        self.above_m.copy_(middle_m)
        spread_m = (above_m - middle_m).abs().quantile(0.68)
        self.above_spread_m.copy_(spread_m.maximum(LEAST_HEIGHT * middle_m.abs()))
        self.mean_q.copy_(mean_quaternion(truth.q))
        turn = world_rotvec(self.mean_q.to(truth.q).expand_as(truth.q), truth.q)
        least = LEAST_TURN_RAD**2 * torch.eye(3)
        self.turn_covariance.copy_(turn.T @ turn / len(turn) + least)

    def completed(self, hint: Hint, level_m: Callable[[tuple[float, float]], float]) -> Hint:
        """Return the posterior () of a hint (), of which any part may be known, known in all parts.

        ``level_m`` is the height of the ground around a place.
        """
        known = hint.variance[:2].isfinite()
        x, y = torch.where(known, hint.pose.t[:2].double(), self.center_m.double()).tolist()
        z = level_m((x, y)) + float(self.above_m)
        place = torch.tensor([*self.center_m.tolist(), z], dtype=torch.float64)
        covariance = torch.zeros(6, 6, dtype=torch.float64)
        covariance[:2, :2] = self.spread_m.double() ** 2 * torch.eye(2)
        covariance[2, 2] = self.above_spread_m.double() ** 2
        covariance[3:, 3:] = self.turn_covariance.double()
        belief = Hint(Pose(place, self.mean_q.double()), covariance)
        pose = Pose(hint.pose.t.double(), hint.pose.q.double())
        return given(belief, Hint(pose, hint.covariance.double()))[0]

    def check(self) -> bool:
        """Return whether all of it is finite and its spreads are above 0."""
        spreads = torch.stack([self.spread_m, self.above_spread_m])
        finite = all(bool(part.isfinite().all()) for part in self.buffers())
        return (
            finite
            and bool((spreads > 0).all())
            and bool(torch.linalg.eigvalsh(self.turn_covariance.double())[0] > 0)
        )
