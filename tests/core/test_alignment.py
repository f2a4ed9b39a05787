import math

import pytest
import torch
from poses import random_poses, random_quaternions

from hinted_posenet.core.alignment import Similarity, fit_robust_similarity, fit_similarity
from hinted_posenet.core.geometry import rotation_angle


def similarity(seed: int, scale: float) -> Similarity:
    q = random_quaternions(1, seed, torch.float64)[0]
    return Similarity(torch.tensor(scale).double(), q, torch.tensor([10.0, -20.0, 5.0]).double())


def points(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, generator=generator, dtype=torch.float64)


def test_exact_points_give_the_motion_itself() -> None:
    true, a = similarity(1, 12.5), points(20)
    fit = fit_similarity(a, true.points(a))
    assert float(fit.scale) == pytest.approx(12.5)
    assert rotation_angle(fit.q, true.q) < 1e-9 and torch.allclose(fit.t, true.t)
    rigid = fit_similarity(
        a, true._replace(scale=torch.tensor(1.0).double()).points(a), scaled=False
    )
    assert rigid.scale == 1 and torch.allclose(rigid.t, true.t)


def test_a_batch_is_each_of_its_rows() -> None:
    a, b = points(12).reshape(3, 4, 3), points(12, 5).reshape(3, 4, 3)
    batch = fit_similarity(a, b)
    for i in range(3):
        one = fit_similarity(a[i], b[i])
        assert torch.allclose(batch.scale[i], one.scale) and torch.allclose(batch.t[i], one.t)


def test_poses_move_with_their_points() -> None:
    true, pose = similarity(2, 3.0), random_poses(5, 1, torch.float64)
    moved = true.pose(pose)
    assert torch.allclose(moved.t, true.points(pose.t))
    assert torch.allclose(
        rotation_angle(moved.q[:1], moved.q[1:]), rotation_angle(pose.q[:1], pose.q[1:])
    )


def test_outliers_are_found() -> None:
    true, a = similarity(3, 40.0), points(60)
    b = true.points(a) + 1.5 * points(60, 1)
    wrong = torch.arange(60) % 3 == 0
    b[wrong] += 5000 * points(20, 2)
    fit, inliers = fit_robust_similarity(a, b)
    assert not inliers[wrong].any() and inliers.sum() >= 38
    assert float(fit.scale) == pytest.approx(40.0, rel=0.02)
    assert rotation_angle(fit.q, true.q) < math.radians(1.5)
    again, _ = fit_robust_similarity(a, b)
    assert all(map(torch.equal, fit, again))


def test_three_points_are_the_least() -> None:
    true, a = similarity(4, 2.0), points(3)
    fit, inliers = fit_robust_similarity(a, true.points(a))
    assert inliers.all() and torch.allclose(fit.points(a), true.points(a))
