"""Priors over a map: what is known stays, what is not is assumed and said, and what is needed is asked for."""

import math

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import camera_angles
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.map_prior import Assumed, check_height, full_prior, looked_at


def ground_at(x: float, y: float) -> float:
    return 300.0 + x


def gps(z: float | None = 450.0) -> Hint:
    sigma = [20.0, 20.0, math.inf if z is None else 5.0]
    return Hint.from_position([10.0, 20.0, math.nan if z is None else z], sigma)


def test_a_known_prior_stays_as_it_is() -> None:
    known = Hint.from_pose(Pose.from_angles([10, 20, 450], 30, -60, 4), [20, 5], [2, 5])
    full = full_prior(known, ground_at, Assumed())
    assert full.assumed == ()
    assert torch.equal(full.hint.pose.q, known.pose.q)
    assert torch.equal(full.hint.covariance, known.covariance)


def test_a_position_alone_looks_down_with_any_heading() -> None:
    full = full_prior(gps(), ground_at, Assumed(tilt_sigma_deg=3))
    assert full.assumed == ("tilt", "heading")
    assert camera_angles(full.hint.pose.q)[1].item() == pytest.approx(-90)
    degrees = full.hint.variance[3:].sqrt().rad2deg().tolist()
    assert degrees == pytest.approx([3, 3, 103.9], abs=0.1)
    assert full.hint.variance[:3].tolist() == [400, 400, 25]


def test_a_compass_turns_the_camera_that_looks_down() -> None:
    compass = Hint.from_pose(Pose.from_angles([10, 20, 450], 70, 0), [20, 5], [math.inf, 4])
    full = full_prior(compass, ground_at, Assumed())
    heading, pitch, _ = camera_angles(full.hint.pose.q)
    assert full.assumed == ("tilt",)
    assert (heading.item(), pitch.item()) == pytest.approx((70, -90))
    assert full.hint.variance[5].sqrt().rad2deg().item() == pytest.approx(4)


def test_a_tilt_without_heading_takes_the_stated_one() -> None:
    level = Hint.from_pose(Pose.from_angles([10, 20, 450], 0, -50), [20, 5], [1, math.inf])
    full = full_prior(level, ground_at, Assumed(heading_deg=(120.0, 10.0)))
    heading, pitch, _ = camera_angles(full.hint.pose.q)
    assert (heading.item(), pitch.item()) == pytest.approx((120, -50))
    assert full.hint.variance[3:].sqrt().rad2deg().tolist() == pytest.approx([1, 1, 10])


def test_a_height_above_ground_counts_from_the_ground_there() -> None:
    full = full_prior(gps(None), ground_at, Assumed(height_above_ground_m=(120.0, 8.0)))
    assert full.hint.pose.t[2].item() == 300 + 10 + 120
    assert full.hint.variance[2].item() == 64
    assert "height" in full.assumed


def test_what_is_needed_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"no altitude; .* height_above_ground_m="):
        full_prior(gps(None), ground_at, Assumed())
    with pytest.raises(InputError, match="state latitude and longitude"):
        full_prior(None, ground_at, Assumed())
    turn = Hint.from_pose(Pose.from_angles([0, 0, 0], 70, -90), [math.inf] * 3, 4)
    with pytest.raises(InputError, match="no prior of the position"):
        full_prior(turn, ground_at, Assumed())


def test_a_camera_below_the_ground_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"altitude 305 m, the ground there 310 m; check altitude_ab"
    ):
        check_height(gps(305.0), ground_at)


def test_an_oblique_camera_looks_ahead() -> None:
    hint = Hint.from_pose(Pose.from_angles([10, 20, 410], 90, -45), [20, 5], 1)
    assert looked_at(hint, ground_at).tolist() == pytest.approx([110, 20])
