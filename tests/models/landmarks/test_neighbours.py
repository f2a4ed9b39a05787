"""Which training images are matched with each other."""

import pytest
import torch
from landmark_world import cameras
from torch import Tensor

from hinted_posenet.core.covariance import moved
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.landmarks.neighbours import (
    FARTHEST,
    FIRST,
    NEAREST,
    first_neighbours,
    keyframes,
    neighbours,
)

DEPTH_M = 2.0


def on_a_line(at_m: list[float]) -> Pose:
    t = torch.tensor([[x, 0.0, 0.0] for x in at_m], dtype=torch.float64).view(-1, 3)
    return Pose(t, torch.tensor([1.0, 0, 0, 0]).double().repeat(len(at_m), 1))


def turned(pose: Pose, rows: Tensor, angle_rad: float) -> Pose:
    motion = torch.zeros(len(pose.t), 6, dtype=torch.float64)
    motion[rows, 4] = angle_rad
    return moved(pose, motion)


def test_baselines_are_spread_over_those_that_are_useful():
    pose = on_a_line([0.01 * i for i in range(200)])
    baseline_m = 0.01 * (neighbours(pose, 100, DEPTH_M, 4) - 100).abs()
    assert len(baseline_m) == 4
    assert (baseline_m > NEAREST * DEPTH_M - 1e-6).all()
    assert (baseline_m < FARTHEST * DEPTH_M + 1e-6).all()
    assert baseline_m.diff().min() > 0.1


def test_cameras_turned_away_are_no_neighbours():
    pose = turned(on_a_line([0.1 * i for i in range(9)]), torch.arange(1, 9, 2), 1.0)
    assert sorted(neighbours(pose, 4, DEPTH_M, 8).tolist()) == [0, 2, 6, 8]
    assert set(first_neighbours(pose, 4, 8).tolist()) <= {0, 2, 6, 8}


def test_where_few_are_near_enough_the_nearest_are_taken():
    assert neighbours(on_a_line([0, 0.2, 5, 6, 7]), 0, DEPTH_M, 3).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "choose", [lambda p: neighbours(p, 0, DEPTH_M, 4), lambda p: first_neighbours(p, 0, 4)]
)
def test_few_cameras_have_few_neighbours(choose):
    assert choose(on_a_line([0])).tolist() == []
    assert choose(on_a_line([3, 3, 3, 3])).tolist() == []  # at one place: no parallax
    assert choose(on_a_line([0, 0.3])).tolist() == [1]


def test_first_neighbours_are_near_and_far():
    found = first_neighbours(on_a_line([0.01 * i for i in range(300)]), 0, 4)
    assert found.tolist() == sorted(set(found.tolist()))
    assert found[0] == 1
    assert found[-1] == FIRST
    steps = found.double().log().diff()
    torch.testing.assert_close(steps, steps.mean().expand(3), rtol=0.2, atol=0)


def test_keyframes_keep_a_distance():
    pose = on_a_line([0.1 * i for i in range(10)])
    assert keyframes(pose, DEPTH_M, 0.125, 0.15).tolist() == [0, 3, 6, 9]
    assert keyframes(pose, DEPTH_M, 0.0, 0.15).tolist() == list(range(10))
    assert keyframes(on_a_line([1, 1, 1]), DEPTH_M, 0.125, 0.15).tolist() == [0]
    assert keyframes(
        turned(on_a_line([1, 1, 1]), torch.tensor([1]), 0.2), 2, 0.1, 0.15
    ).tolist() == [0, 1]


def test_every_camera_is_near_a_keyframe():
    pose = cameras(200)
    kept = keyframes(pose, DEPTH_M, 0.1, 0.15)
    assert 10 < len(kept) < 200
    near = torch.cdist(pose.t, pose.t[kept]) < 0.1 * DEPTH_M
    near &= rotation_angle(pose.q.unsqueeze(1), pose.q[kept].unsqueeze(0)) < 0.15
    near[kept, torch.arange(len(kept))] = True
    assert near.any(dim=1).all()
