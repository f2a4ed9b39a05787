"""Synthetic cameras that see random points with random descriptors: local features without images."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from hinted_posenet.core.covariance import moved
from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import LocalFeatures, Pose
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer
from hinted_posenet.models.landmarks.local_features import LocalFeatureExtractor
from hinted_posenet.models.landmarks.matchers import MutualMatcher

FOCAL_PX = 500.0
HALF_WIDTH = 0.7  # of the image, in rays
DIM = 128  # of a descriptor, as of SIFT
MOST = 250  # features of an image


class World(NamedTuple):
    """Points, and how each looks."""

    point_m: Tensor  # (P, 3) float64
    descriptor: Tensor  # (P, DIM) float32, unit length


def random(*shape: int, seed: int) -> Tensor:
    """Return standard normal numbers, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wall(points: int = 1000, seed: int = 0, about_m: float = 0.0) -> World:
    """Return points 3 to 5 m before cameras that look along z, around ``about_m`` on all axes."""
    uniform = torch.rand(points, 3, generator=torch.Generator().manual_seed(seed)).double()
    place = (uniform - 0.5) * torch.tensor([10.0, 6.0, 2.0]) + torch.tensor([0, 0, 4.0]) + about_m
    return World(place, normalize(random(points, DIM, seed=seed + 1), dim=1).float())


def cameras(count: int, seed: int = 0, about_m: float = 0.0) -> Pose:
    """Return poses (count,), float64, along a walk of 4 m before the wall that look at it."""
    along = torch.linspace(-2, 2, count, dtype=torch.float64).unsqueeze(1)
    t = along * torch.tensor([1.0, 0, 0]) + 0.1 * random(count, 3, seed=seed) + about_m
    ahead = Pose(t, torch.tensor([1.0, 0, 0, 0]).double().repeat(count, 1))
    turn = 0.08 * random(count, 3, seed=seed + 1)
    return moved(ahead, torch.cat([torch.zeros_like(turn), turn], dim=1))


def camera(pose: Pose, row: int) -> Pose:
    """Return one of poses (N,)."""
    return Pose(pose.t[row], pose.q[row])


def observed(
    world: World, pose: Pose, seed: int = 0, noise_px: float = 0.0, wrong: float = 0.0
) -> LocalFeatures:
    """Return what a camera () sees of a world; a share of features looks like other points of the world."""
    local = rotate(quaternion_inverse(pose.q), world.point_m - pose.t)
    ray = local[:, :2] / local[:, 2:]
    inside = ((ray.abs() < HALF_WIDTH).all(dim=1) & (local[:, 2] > 0.1)).nonzero()[:, 0]
    order = torch.randperm(len(inside), generator=torch.Generator().manual_seed(seed))
    rows = inside[order][:MOST]
    ray = ray[rows] + noise_px / FOCAL_PX * random(len(rows), 2, seed=seed + 1)
    looks = world.descriptor[rows].clone()
    swapped = int(wrong * len(rows))
    looks[:swapped] = looks[:swapped].roll(1, dims=0)
    score = torch.linspace(1, 0.5, len(rows))
    spare = (0, MOST - len(rows))
    return LocalFeatures(
        pad(ray.float(), (0, 0, *spare)),
        pad(score, spare),
        pad(looks.half(), (0, 0, *spare)),
        torch.tensor(FOCAL_PX),
    )


def appearance(pose: Pose) -> Tensor:
    """Return features (N, 64, 1, 1) of whole images, more alike the nearer the poses (N,)."""
    mix = 1.5 * random(3, 64, seed=9)
    return torch.cos(pose.t @ mix + 6 * torch.rand(64, generator=torch.Generator().manual_seed(9)))[
        ..., None, None
    ].float()


def localizer(
    world: World,
    poses: Pose,
    noise_px: float = 0.5,
    wrong: float = 0.1,
    neighbours: int = 4,
    spacing: float = 0.0,
    candidates: int = 5,
) -> LandmarkLocalizer:
    """Return a localizer with the landmarks that cameras (N,) see."""
    extractor = LocalFeatureExtractor(MOST, 640, DIM)
    found = LandmarkLocalizer(
        extractor, MutualMatcher(0.5), neighbours, spacing, candidates, MOST, 1000
    )
    found.fit(poses, appearance(poses), views(world, poses, noise_px, wrong))
    return found


def views(
    world: World, poses: Pose, noise_px: float = 0.5, wrong: float = 0.1
) -> list[LocalFeatures]:
    """Return what each of cameras (N,) sees."""
    return [
        observed(world, camera(poses, row), row, noise_px, wrong) for row in range(len(poses.t))
    ]
