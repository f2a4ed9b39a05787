"""Poses from landmarks, and how well they are determined."""

import pytest
import torch
from landmark_world import FOCAL_PX, camera, cameras, random, wall
from torch import Tensor

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.models.landmarks.pose_solver import SCALE_PX, Seen, projected, refine, search

ITERATIONS = 1000
TRUTH = camera(cameras(5), 2)


def seen_from(
    pose: Pose, points: int = 200, noise_px: float = 0.0, seed: int = 0, about_m: float = 0.0
) -> Seen:
    point_m = wall(points, about_m=about_m).point_m
    local = rotate(quaternion_inverse(pose.q), point_m - pose.t)
    noise = noise_px / FOCAL_PX * random(points, 2, seed=seed)
    return Seen(point_m, local[:, :2] / local[:, 2:] + noise, FOCAL_PX)


def error(found: Pose, truth: Pose = TRUTH) -> float:
    return float(offset(found, truth).abs().max())


@pytest.mark.parametrize("about_m", [0.0, 1e4])
def test_exact_matches_give_the_exact_pose(about_m):
    truth = camera(cameras(5, about_m=about_m), 2)
    seen = seen_from(truth, about_m=about_m)
    found = search(seen, 0, ITERATIONS)
    assert found is not None
    assert found[1].all()
    assert error(found[0], truth) < 1e-5
    solved = refine(seen, found[0])
    assert error(solved.pose, truth) < 1e-8
    assert solved.inlier.all()


def test_wrong_matches_are_told_apart():
    seen = seen_from(TRUTH, 400, noise_px=0.5)
    wrong = torch.arange(400) % 2 == 0
    seen = seen._replace(ray=torch.where(wrong[:, None], seen.ray.roll(1, dims=0), seen.ray))
    found = search(seen, 0, ITERATIONS)
    assert found is not None
    solved = refine(seen, found[0])
    assert error(solved.pose) < 0.005
    assert not solved.inlier[wrong].double().mean() > 0.02
    assert solved.inlier[~wrong].double().mean() > 0.98


def test_equal_seeds_give_equal_poses():
    seen = seen_from(TRUTH, noise_px=1.0)
    first, second = (search(seen, 3, ITERATIONS) for _ in range(2))
    assert first is not None
    assert second is not None
    assert torch.equal(first[0].t, second[0].t)
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("points", [0, 3])
def test_too_few_matches_give_none(points):
    assert search(seen_from(TRUTH, 10).take(torch.arange(points)), 0, ITERATIONS) is None


def test_random_matches_agree_on_hardly_anything():
    seen = seen_from(TRUTH, 100)
    found = search(seen._replace(ray=torch.rand(100, 2).double() - 0.5), 0, ITERATIONS)
    assert found is None or int(found[1].sum()) < 12


def test_points_behind_the_camera_are_no_inliers():
    seen = seen_from(TRUTH, 100)
    behind = 2 * TRUTH.t - seen.point_m[:20]  # mirrored at the camera: on the same lines
    seen = seen._replace(point_m=torch.cat([behind, seen.point_m[20:]]))
    solved = refine(seen, moved(TRUTH, 0.01 * random(6, seed=1)))
    assert solved.inlier.tolist() == [False] * 20 + [True] * 80
    assert error(solved.pose) < 1e-8


def test_the_jacobian_is_that_of_differences():
    point_m = wall(20).point_m
    place, depth, J = projected(point_m, TRUTH)
    local = rotate(quaternion_inverse(TRUTH.q), point_m - TRUTH.t)
    torch.testing.assert_close(place, local[:, :2] / local[:, 2:])
    torch.testing.assert_close(depth, local[:, 2])
    small = 1e-6
    for axis in range(6):
        step = torch.zeros(6).double()
        step[axis] = small
        ahead, back = (projected(point_m, moved(TRUTH, s * step))[0] for s in (1, -1))
        torch.testing.assert_close(J[..., axis], (ahead - back) / (2 * small), rtol=1e-6, atol=1e-8)


def test_the_information_is_the_curvature_of_the_cost():
    seen, noise_px = seen_from(TRUTH), 0.3  # the least that is believed

    def cost(motion: Tensor) -> Tensor:
        place, _, _ = projected(seen.point_m, moved(TRUTH, motion))
        squares = ((place - seen.ray) * FOCAL_PX).square().sum(dim=1)
        return SCALE_PX**2 / 2 * (1 + squares / SCALE_PX**2).log().sum() / noise_px**2

    small, axes = 1e-5, torch.eye(6).double()
    H = torch.empty(6, 6).double()
    for i in range(6):
        for j in range(6):
            a, b = small * axes[i], small * axes[j]
            H[i, j] = (cost(a + b) - cost(a - b) - cost(b - a) + cost(-a - b)) / (4 * small**2)
    information = refine(seen, TRUTH).information
    torch.testing.assert_close(information, H, rtol=1e-3, atol=1e-4 * float(H.abs().max()))


@pytest.mark.parametrize("noise_px", [0.5, 1.0])
def test_the_covariance_is_that_of_repetitions(noise_px):
    repetitions = [seen_from(TRUTH, 150, noise_px, seed) for seed in range(200)]
    found = [(seen, search(seen, 0, ITERATIONS)) for seen in repetitions]
    solved = [refine(seen, one[0]) for seen, one in found if one]
    assert len(solved) == 200
    off = torch.stack([offset(TRUTH, one.pose) for one in solved])
    stated = (
        torch.stack([one.information.inverse().diagonal() for one in solved]).mean(dim=0).sqrt()
    )
    torch.testing.assert_close(stated, off.std(dim=0), rtol=0.25, atol=0)
    assert (off.mean(dim=0).abs() < 0.3 * stated).all()
