"""Constructors of poses and hints."""

import math

import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import rotate, rotation_angle
from hinted_posenet.core.types import Hint, Pose, no_prior


def test_a_pose_and_its_matrix_are_inverse():
    pose = Pose.from_angles([1.0, 2.0, 3.0], heading_deg=30, pitch_deg=-20, roll_deg=5)
    again = Pose.from_matrix(pose.matrix())
    torch.testing.assert_close(again.t, pose.t)
    assert rotation_angle(again.q, pose.q) < 1e-6


def test_angles_are_those_of_the_field():
    """A camera that heads east and looks at the horizon."""
    pose = Pose.from_angles([0.0, 0.0, 100.0], heading_deg=90, pitch_deg=0)
    ahead = rotate(pose.q, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(ahead, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))


@pytest.mark.parametrize(
    "matrix", [np.eye(3), 2 * np.eye(4), np.diag([1, 1, -1, 1]), np.full((4, 4), np.nan)]
)
def test_what_is_no_pose_is_refused(matrix):
    with pytest.raises(InputError, match="T_world_cam"):
        Pose.from_matrix(matrix)


def test_a_gps_is_exact_across_and_vague_in_height():
    hint = Hint.from_position([1.0, 2.0, 3.0], sigma_m=[5.0, 15.0])
    assert hint.variance.tolist() == [25.0, 25.0, 225.0, math.inf, math.inf, math.inf]
    assert hint.sigma_t_m.item() == pytest.approx(math.sqrt(275 / 3))
    assert hint.sigma_r_rad.isinf()


def test_an_imu_knows_the_tilt():
    pose = Pose.from_angles([0.0, 0.0, 0.0], heading_deg=0, pitch_deg=-90)
    hint = Hint.from_pose(pose, sigma_m=math.inf, sigma_deg=[1.0, math.inf])
    assert hint.variance[3:].sqrt().rad2deg().tolist() == pytest.approx([1.0, 1.0, math.inf])


def test_a_place_without_altitude_knows_no_height():
    origin = Origin(6.6, 46.5, 400.0, "ellipsoid")
    hint = Hint.from_latitude_longitude(46.5, 6.6, None, 5.0, origin)
    torch.testing.assert_close(hint.pose.t, torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    assert hint.variance[2].isinf()
    high = Hint.from_latitude_longitude(46.5, 6.6, 520.0, 5.0, origin, above="ellipsoid")
    assert high.pose.t[2].item() == pytest.approx(120.0)


def test_an_altitude_says_what_it_is_above():
    with pytest.raises(InputError, match="what it is above"):
        Hint.from_latitude_longitude(46.5, 6.6, 520.0, 5.0, Origin(6.6, 46.5))


@pytest.mark.parametrize("sigma", [0.0, -1.0, [1.0, math.nan], [1, 2, 3, 4]])
def test_a_wrong_sigma_is_refused(sigma):
    with pytest.raises(InputError, match="above 0"):
        Hint.from_position([0.0, 0.0, 0.0], sigma)


def test_a_position_that_is_nan_is_refused():
    with pytest.raises(InputError, match="finite"):
        Hint.from_position([0.0, math.nan, 0.0], 1.0)


def test_no_prior_knows_nothing():
    assert no_prior().variance.isinf().all()
