"""Gradient correlation and SIFT find a camera over a map from a hint that is some pixels off."""

import pytest
import torch
from ground import DOWN, K, cameras, flat_map, texture
from poses import hints

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.gradient_correlation import GradientCorrelation
from hinted_posenet.models.registration.sift import SiftRegistration

MAP = flat_map(torch.cat([texture(seed=1), texture(seed=0)]))


def both(count: int) -> tuple[torch.Tensor, Pose, Pose]:
    """Views of the second photo, their poses without tilt, and hints 15 m and 8 degrees off."""
    truth = cameras(count, reach_m=50.0)
    turn = torch.zeros(count, 3)
    turn[:, 2] = torch.linspace(-0.1, 0.1, count)
    truth = Pose(truth.t, compose_rotvec(DOWN, turn))
    views = MAP.render(truth, K, 64, 64)[0][:, 1]
    off = torch.tensor([9.0, -11.0, 7.0])
    turn = torch.tensor([0.0, 0.0, 0.14])
    return views, truth, Pose(truth.t + off, compose_rotvec(truth.q, turn))


@pytest.mark.parametrize("make", [GradientCorrelation, SiftRegistration])
def test_a_camera_is_found(make):
    views, truth, start = both(4)
    pose = make(MAP, K, torch.tensor([False, True])).locate(views, hints(start, 15.0, 0.1))
    assert (pose.t - truth.t).norm(dim=-1).max() < 3.0  # 1.5 pixels
    assert rotation_angle(pose.q, truth.q).max() < 0.02


@pytest.mark.parametrize("make", [GradientCorrelation, SiftRegistration])
def test_a_photo_that_is_not_allowed_is_not_looked_at(make):
    views, truth, start = both(2)
    hint = hints(start, 15.0, 0.1)
    without = make(MAP, K, torch.tensor([True, False])).locate(views, hint)
    alone = make(flat_map(texture(seed=1)), K, torch.tensor([True])).locate(views, hint)
    torch.testing.assert_close(without.t, alone.t)
    assert (without.t - truth.t).norm(dim=-1).min() > 3.0


def test_sift_keeps_the_hint_where_nothing_matches():
    views, _, start = both(1)
    pose = SiftRegistration(MAP, K, torch.tensor([True, True])).locate(
        torch.full_like(views, 0.5), hints(start, 15.0, 0.1)
    )
    torch.testing.assert_close(pose.t, start.t)
