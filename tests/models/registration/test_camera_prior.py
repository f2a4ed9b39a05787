"""Hints known in part are completed by how the cameras of training hung."""

import math

import pytest
import torch
from ground import DOWN, LEVEL_M, cameras

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.models.registration.camera_prior import CameraPrior

TRAIN = cameras(200)


@pytest.fixture
def prior() -> CameraPrior:
    found = CameraPrior()
    found.fit(TRAIN, TRAIN.t[:, 2] - LEVEL_M)
    return found


def test_a_position_without_rotation_looks_down_with_the_spread_of_training(prior):
    gps = Hint.from_position([30.0, -20.0, 160.0], 10.0)
    whole = prior.completed(gps, lambda place_m: LEVEL_M)
    assert torch.allclose(whole.pose.t[:2], gps.pose.t[:2], atol=0.3)
    assert 143 < float(whole.pose.t[2]) < 157  # between the GPS and the usual height
    assert rotation_angle(whole.pose.q.float(), DOWN) < math.radians(3)
    tilt, heading = whole.variance[3:5].mean().sqrt(), whole.variance[5].sqrt()
    assert math.radians(1.5) < float(tilt) < math.radians(3)
    assert math.radians(8) < float(heading) < math.radians(12)


def test_a_height_that_is_not_known_is_above_the_ground_below(prior):
    sigma_m = [10.0, 10.0, math.inf]
    asked = []

    def level_m(place_m: tuple[float, float]) -> float:
        asked.append(place_m)
        return 1000.0

    place = Hint.from_position([30.0, -20.0, 0.0], sigma_m)
    whole = prior.completed(place, level_m)
    assert asked == [(30.0, -20.0)]
    assert float(whole.pose.t[2]) == pytest.approx(1140, abs=6)
    assert float(whole.variance[2].sqrt()) == pytest.approx(7, abs=1)


def test_a_sharp_hint_of_all_parts_stays(prior):
    pose = Pose(torch.tensor([5.0, 6.0, 170.0]), DOWN)
    sharp = Hint.from_pose(pose, 0.1, 0.05)
    whole = prior.completed(sharp, lambda place_m: LEVEL_M)
    assert torch.allclose(whole.pose.t, sharp.pose.t, atol=0.02)
    assert rotation_angle(whole.pose.q, sharp.pose.q) < math.radians(0.01)


def test_nothing_known_is_anywhere_over_the_training_cameras(prior):
    nothing = no_hint(torch.zeros(1))
    one = Hint(Pose(nothing.pose.t[0], nothing.pose.q[0]), nothing.covariance[0])
    whole = prior.completed(one, lambda place_m: LEVEL_M)
    assert whole.covariance.isfinite().all()
    assert float(whole.variance[0].sqrt()) > 60


@pytest.mark.parametrize("part", ["center_m", "above_m", "mean_q", "turn_covariance", "spread_m"])
def test_what_is_not_finite_or_has_no_spread_is_found(prior, part):
    assert prior.check()
    setattr(prior, part, getattr(prior, part) * (0 if "spread" in part else torch.inf))
    assert not prior.check()
