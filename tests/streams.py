"""Streams to track: a camera on a loop, its odometry, and a localizer whose errors are known."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.covariance import given, moved
from hinted_posenet.core.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_product,
    rotate,
)
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.estimate import Estimate, Mode
from hinted_posenet.inference.track_filter import MotionModel
from hinted_posenet.inference.tracked import Motion

MODEL = MotionModel(
    speed_m_s=3.0, acceleration_m_s2=0.5, turn_acceleration_deg_s2=5.0, drift_m=0.03
)
SIGMA = torch.tensor([0.5, 0.5, 0.5, 0.03, 0.03, 0.03], dtype=torch.float64)


def loop(count: int, radius_m: float = 20.0, step_s: float = 0.5) -> list[Pose]:
    """Poses on a circle at 1 m/s, which look ahead."""
    angles = [step_s * k / radius_m for k in range(count)]
    places = [[radius_m * math.cos(a), radius_m * math.sin(a), 1.0] for a in angles]
    turns = quaternion_exp(torch.tensor([[0.0, 0.0, a] for a in angles], dtype=torch.float64))
    return [Pose(torch.tensor(t).double(), q) for t, q in zip(places, turns, strict=True)]


def motion_between(a: Pose, b: Pose) -> Pose:
    back = quaternion_inverse(a.q)
    return Pose(rotate(back, b.t - a.t), quaternion_product(back, b.q))


def odometry_of(
    path: Sequence[Pose], seed: int = 0, model: MotionModel = MODEL
) -> list[Motion | None]:
    """Motions from frame to frame, with the drift that the model states; None for the first frame."""
    noise = np.random.default_rng(seed)
    motions: list[Motion | None] = [None]
    for before, now in pairwise(path):
        exact = motion_between(before, now)
        root = math.sqrt(float(exact.t.norm()))
        t = exact.t + model.drift_m * root * torch.from_numpy(noise.standard_normal(3))
        turn = math.radians(model.drift_deg) * root * torch.from_numpy(noise.standard_normal(3))
        motions.append((Pose(t, quaternion_product(exact.q, quaternion_exp(turn))), None))
    return motions


class KnownErrors:
    """A localizer of images (1, 1, 3) that hold the number of their frame.

    What an image says has the covariance of `SIGMA`, and an error of which a share is that of the images before.
    With ``combines_hints`` a hint is fused with it, as landmarks do. ``elsewhere`` are other poses by frame.
    """

    name = "a loop"
    takes_hints = True
    searches = True
    origin = None
    extent = (torch.zeros(3), 50.0)

    def __init__(
        self,
        path: Sequence[Pose],
        combines_hints: bool = True,
        over_m: float = 3.0,
        share: float = 0.7,
        seed: int = 0,
        elsewhere: dict[int, Pose] | None = None,
        blind: Sequence[int] = (),
    ) -> None:
        self.path, self.combines_hints, self.blind = list(path), combines_hints, set(blind)
        self.hints: list[Hint | None] = []
        for frame, pose in (elsewhere or {}).items():
            self.path[frame] = pose
        draw = torch.Generator().manual_seed(seed)
        common = torch.randn(6, generator=draw, dtype=torch.float64)
        self.error: list[Tensor] = []
        for before, now in zip([path[0], *path], path, strict=False):
            kept = math.exp(-float((now.t - before.t).norm()) / over_m)
            fresh = torch.randn(2, 6, generator=draw, dtype=torch.float64)
            common = kept * common + math.sqrt(1 - kept**2) * fresh[0]
            self.error.append(SIGMA * (math.sqrt(share) * common + math.sqrt(1 - share) * fresh[1]))

    def distance_to_scene_m(self, pose: Pose) -> float:
        return 20.0

    def locate(self, image: np.ndarray, K: object = None, hint: Hint | None = None) -> Estimate:
        self.hints.append(hint)
        frame = int(image[0, 0, 0])
        answer = Hint(moved(self.path[frame], self.error[frame]), SIGMA.square().diag())
        used = hint is not None and self.combines_hints and bool(hint.variance.isfinite().all())
        if frame in self.blind:
            answer = hint or Hint(answer.pose, 1e4 * answer.covariance)
        elif used and hint:
            answer = given(hint, answer)[0]
        mode = Mode(1.0, answer.pose, answer.covariance)
        seen = 0 if frame in self.blind else 20
        about = "given" if used else "none"
        return Estimate(answer.pose, answer.covariance, "ok", about, 1, 0.0, (mode,), None, seen)


def image_of(frame: int) -> np.ndarray:
    return np.full((1, 1, 3), frame, np.int64)
