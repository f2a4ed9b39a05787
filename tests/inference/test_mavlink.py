"""Answers as an autopilot takes them: known attitudes, the arm of the camera, and the covariance of 21 numbers."""

import math

import pytest
import torch

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.odometry_rows import parse_extrinsics
from hinted_posenet.inference.mavlink import vision_position_estimate

FORWARD = parse_extrinsics([0, 0, 0, 0.5, -0.5, 0.5, -0.5])
HALF = math.sqrt(0.5)
# looks down, the top of its image forward
DOWN = parse_extrinsics([0.1, 0, -0.05, 0, HALF, -HALF, 0])
VARIANCES = torch.tensor([1.0, 4.0, 9.0, 0.01, 0.04, 0.09]).double()  # east, north, up
PLACE = [30.0, 20.0, 100.0]  # east, north, up


def answer(heading_deg: float, pitch_deg: float, roll_deg: float = 0.0) -> Hint:
    return Hint(Pose.from_angles(PLACE, heading_deg, pitch_deg, roll_deg), VARIANCES.diag())


def vector(numbers: list[float]) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def triangle(fields: dict) -> torch.Tensor:
    upper = torch.zeros(6, 6).double()
    upper[*torch.triu_indices(6, 6)] = torch.tensor(fields["covariance"]).double()
    return upper + upper.triu(1).T


@pytest.mark.parametrize(
    ("heading_deg", "pitch_deg", "roll_deg"), [(0, 0, 0), (90, 0, 0), (200, 20, -30), (-45, -80, 5)]
)
def test_a_camera_that_looks_forward_has_the_attitude_of_its_aircraft(
    heading_deg, pitch_deg, roll_deg
):
    fields = vision_position_estimate(answer(heading_deg, pitch_deg, roll_deg), 12.5, FORWARD)
    assert [fields[axis] for axis in "xyz"] == pytest.approx([20, 30, -100])  # north, east, down
    yaw_deg = (heading_deg + 180) % 360 - 180
    found_deg = [math.degrees(fields[angle]) for angle in ("yaw", "pitch", "roll")]
    assert found_deg == pytest.approx([yaw_deg, pitch_deg, roll_deg], abs=1e-9)
    assert fields["usec"] == 12_500_000


def test_a_camera_that_looks_down_flies_level():
    fields = vision_position_estimate(answer(90, -90), 0.0, DOWN, origin_m=[10, 10, 90])
    assert [fields[angle] for angle in ("roll", "pitch")] == pytest.approx([0, 0], abs=1e-12)
    assert math.degrees(fields["yaw"]) == pytest.approx(90)
    # the camera is 0.1 m ahead of the body, which flies east, and 0.05 m below it
    assert [fields[axis] for axis in "xyz"] == pytest.approx([10, 19.9, -10.05])


def test_the_covariance_of_a_level_body_is_that_of_north_east_down():
    found = triangle(vision_position_estimate(answer(0, 0), 0.0, FORWARD))
    # heading north, roll turns about north and pitch about east
    assert torch.allclose(found, torch.tensor([4, 1, 9, 0.04, 0.01, 0.09]).double().diag())
    found = triangle(vision_position_estimate(answer(90, 0), 0.0, FORWARD))
    assert torch.allclose(found, torch.tensor([4, 1, 9, 0.01, 0.04, 0.09]).double().diag())


def test_the_covariance_is_that_of_small_errors():
    stated = answer(130, 25, -40)
    columns = []
    for small in 1e-5 * torch.eye(6).double():
        ends = []
        for sign in (1, -1):
            q = quaternion_product(quaternion_exp(sign * small[3:]), stated.pose.q)
            moved = Hint(Pose(stated.pose.t + sign * small[:3], q), stated.covariance)
            fields = vision_position_estimate(moved, 0.0, DOWN)
            ends.append([fields[name] for name in ("x", "y", "z", "roll", "pitch", "yaw")])
        columns.append((vector(ends[0]) - vector(ends[1])) / 2e-5)
    J = torch.stack(columns, dim=1)
    found = triangle(vision_position_estimate(stated, 0.0, DOWN))
    assert torch.allclose(found, J @ stated.covariance @ J.T, atol=1e-6)


def test_a_covariance_that_is_not_known_is_said_to_be_so():
    unknown = answer(0, 0)._replace(covariance=torch.full((6,), torch.inf).double().diag())
    for hint in (unknown, answer(0, 90)):  # and a body that stands on its tail
        fields = vision_position_estimate(hint, 0.0, FORWARD, reset_counter=257)
        assert math.isnan(fields["covariance"][0])
        assert len(fields["covariance"]) == 21
        assert fields["reset_counter"] == 1
