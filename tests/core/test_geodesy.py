"""Places and angles worked out by hand, and the ways back."""

import math

import pytest
import torch
from poses import random_quaternions

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import (
    Origin,
    axes_of_angles,
    camera_angles,
    camera_rotation,
    converted_altitude,
)
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate, rotation_angle
from hinted_posenet.simulator.camera import pose_at

MUNICH = Origin(11.5, 48.0, 520.0, "geoid")
EAST, NORTH, UP = torch.eye(3, dtype=torch.float64)
RIGHT, DOWN, AHEAD = torch.eye(3, dtype=torch.float64)  # of the camera


def test_a_place_in_metres_of_the_ellipsoid() -> None:
    # WGS84 at 48 degrees: a degree of latitude is 111.2 km, a degree of longitude 74.63 km
    a, e2, latitude = 6378137.0, 0.00669437999014, math.radians(48.0)
    along = a / math.sqrt(1 - e2 * math.sin(latitude) ** 2)  # radius across the meridian
    meridian = along**3 * (1 - e2) / a**2
    step = math.radians(0.001)
    found = MUNICH.to_world([48.001, 48.0], [11.5, 11.501], [530.0, 520.0])
    assert found[0].tolist() == pytest.approx([0, meridian * step, 10.0], abs=1e-3)
    expected = [along * math.cos(latitude) * step, 0, 0]
    assert found[1].tolist() == pytest.approx(expected, abs=1e-3)


def test_there_and_back() -> None:
    position = torch.tensor([[[1200.0, -800.0, 31.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    latitude, longitude, altitude = MUNICH.to_geographic(position)
    assert latitude.shape == (1, 2) and float(altitude[0, 0]) == 551.0
    back = MUNICH.to_world(latitude.numpy(), longitude.numpy(), altitude.numpy(), "geoid")
    assert torch.allclose(back, position, atol=1e-6)


def test_an_altitude_says_what_it_is_above() -> None:
    assert MUNICH.to_world(48.0, 11.5, 530.0, "geoid")[2] == 10.0
    assert MUNICH.to_world(48.0, 11.5).isnan().tolist() == [False, False, True]
    with pytest.raises(InputError, match=r"z = 0 of the scene is above; .*altitude_above=ignore"):
        Origin(11.5, 48.0).to_world(48.0, 11.5, 530.0, "geoid")
    with pytest.raises(InputError, match="what the altitudes are above"):
        MUNICH.to_world(48.0, 11.5, 530.0, "unknown")
    with pytest.raises(InputError, match="'sea': expected one of ellipsoid"):
        MUNICH.to_world(48.0, 11.5, 530.0, "sea")


def test_from_the_ellipsoid_to_the_geoid_or_why_not() -> None:
    try:
        geoid = converted_altitude(570.0, 48.0, 11.5, "ellipsoid", "geoid")
    except InputError as error:  # where PROJ has no grid
        assert "pyproj sync" in str(error)
    else:
        assert float(geoid) == pytest.approx(570.0 - 46.0, abs=2.0)  # the geoid's height in Munich


def test_latitude_and_longitude_in_the_wrong_order_far_in_the_east() -> None:
    with pytest.raises(InputError, match=r"latitude up to 151\.2.*latitude comes first"):
        MUNICH.to_world(151.2, -33.9)


@pytest.mark.parametrize(
    ("angles", "right", "ahead"),
    [
        ((0, 0, 0), EAST, NORTH),
        ((90, 0, 0), -NORTH, EAST),
        ((0, 90, 0), EAST, UP),
        ((0, -90, 0), EAST, -UP),
        ((90, -90, 0), -NORTH, -UP),
        ((0, 0, 90), -UP, NORTH),
        ((180, -45, 0), -EAST, (-NORTH - UP) * 0.5**0.5),
    ],
)
def test_directions(
    angles: tuple[float, float, float], right: torch.Tensor, ahead: torch.Tensor
) -> None:
    q = camera_rotation(*angles)
    assert torch.allclose(rotate(q, RIGHT), right, atol=1e-12)
    assert torch.allclose(rotate(q, AHEAD), ahead, atol=1e-12)


def test_straight_down_the_top_of_the_image_is_the_heading() -> None:
    assert torch.allclose(rotate(camera_rotation(90, -90, 0), -DOWN), EAST, atol=1e-12)
    # the simulator's pitch counts from there
    assert rotation_angle(camera_rotation(30, -65, 0), pose_at((0, 0, 0), 30, 25).q) < 1e-9


def test_angles_of_any_rotation_and_back() -> None:
    q = random_quaternions(200, 3, torch.float64)
    back = camera_rotation(*(angle.numpy() for angle in camera_angles(q)))
    assert rotation_angle(back, q).max() < 1e-9
    locked = camera_rotation([30, 30], [-90, 90], [20, 20])
    heading, pitch, roll = camera_angles(locked)
    assert pitch.tolist() == pytest.approx([-90, 90]) and roll.tolist() == [0, 0]
    assert rotation_angle(camera_rotation(heading, pitch, roll), locked).max() < 1e-9


def test_axes_about_which_the_angles_turn() -> None:
    angles, step_deg = [70.0, -35.0, 12.0], 1e-4
    axes = axes_of_angles(angles[0], angles[1])
    for i, axis in enumerate(axes):
        changed = list(angles)
        changed[i] += step_deg
        turned = quaternion_product(
            quaternion_exp(math.radians(step_deg) * axis), camera_rotation(*angles)
        )
        assert rotation_angle(turned, camera_rotation(*changed)) < 1e-10
