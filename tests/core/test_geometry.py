import math

import pytest
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from poses import random_poses, random_quaternions
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import (
    compose_rotvec,
    invert,
    mean_quaternion,
    quaternion_exp,
    quaternion_inverse,
    quaternion_log,
    quaternion_product,
    relative_rotvec,
    robust_box,
    rotate,
    rotation_angle,
)

DTYPES = {torch.float64: 1e-12, torch.float32: 1e-5}  # dtype -> tolerance
both = pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items())


@both
def test_product_is_the_matrix_product(dtype, tolerance):
    a, b = random_quaternions(100, 1, dtype), random_quaternions(100, 2, dtype)
    matrix = quaternion_to_rotation_matrix(quaternion_product(a, b))
    expected = quaternion_to_rotation_matrix(a) @ quaternion_to_rotation_matrix(b)
    torch.testing.assert_close(matrix, expected, rtol=0, atol=tolerance)


@both
def test_inverse_times_itself_is_the_identity(dtype, tolerance):
    q = random_quaternions(100, dtype=dtype)
    identity = torch.tensor([1.0, 0, 0, 0], dtype=dtype).expand(100, 4)
    for product in (
        quaternion_product(q, quaternion_inverse(q)),
        quaternion_product(quaternion_inverse(q), q),
    ):
        torch.testing.assert_close(product, identity, rtol=0, atol=tolerance)


@both
def test_rotate_is_the_matrix_times_the_point(dtype, tolerance):
    t, q = random_poses(100, dtype=dtype)
    expected = (quaternion_to_rotation_matrix(q) @ t.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(rotate(q, t), expected, rtol=0, atol=20 * tolerance)


def test_rotate_broadcasts_one_rotation_over_many_points():
    quarter = math.sqrt(0.5)
    about_z = torch.tensor([quarter, 0.0, 0.0, quarter])
    points = torch.tensor([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0]])
    expected = torch.tensor([[0, 1.0, 0], [-2.0, 0, 0], [0, 0, 3.0]])
    torch.testing.assert_close(rotate(about_z, points), expected)


@both
@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-8, 1e-6, 1e-3, 1.0, 3.0, math.pi - 1e-3])
def test_exp_and_log_undo_each_other(dtype, tolerance, angle):
    axis = normalize(torch.randn(50, 3, dtype=dtype), dim=-1)
    q = quaternion_exp(angle * axis)
    torch.testing.assert_close(q.norm(dim=-1), torch.ones(50, dtype=dtype))
    # relative to the angle, so that a tiny rotation may not be rounded to none
    torch.testing.assert_close(quaternion_log(q), angle * axis, rtol=0, atol=tolerance * angle)


@both
def test_log_of_half_a_turn_has_length_pi(dtype, tolerance):
    log = quaternion_log(torch.tensor([[0.0, 0.6, 0, 0.8], [-0.0, 0, -1, 0]], dtype=dtype))
    expected = torch.full((2,), math.pi, dtype=dtype)
    torch.testing.assert_close(log.norm(dim=-1), expected, rtol=0, atol=tolerance)


def test_log_takes_the_short_way_whatever_the_sign():
    q = random_quaternions(100, dtype=torch.float64)
    torch.testing.assert_close(quaternion_log(q), quaternion_log(-q))
    assert quaternion_log(q).norm(dim=-1).max() <= math.pi


def test_exp_and_log_have_finite_gradients_at_zero():
    vector = torch.zeros(3, requires_grad=True)
    quaternion_log(quaternion_exp(vector)).sum().backward()
    torch.testing.assert_close(vector.grad, torch.ones(3))


@both
def test_a_turn_is_about_the_own_axes_and_found_again(dtype, tolerance):
    q, point = random_quaternions(100, dtype=dtype), torch.randn(100, 3, dtype=dtype)
    turn = 2.0 * normalize(torch.randn(100, 3, dtype=dtype), dim=-1)
    expected = rotate(q, rotate(quaternion_exp(turn), point))
    found = rotate(compose_rotvec(q, turn), point)
    torch.testing.assert_close(found, expected, rtol=0, atol=20 * tolerance)
    for sign in (1, -1):
        between = relative_rotvec(q, sign * compose_rotvec(q, turn))
        torch.testing.assert_close(between, turn, rtol=0, atol=20 * tolerance)


def test_angle_of_equal_float32_quaternions_is_zero_not_nan():
    q = random_quaternions(10_000)
    assert rotation_angle(q, q).max() < 1e-6
    assert rotation_angle(q, -q).max() < 1e-6


@pytest.mark.parametrize("angle", [1e-6, 1e-4, 0.1, 2.0, math.pi])
def test_angle_is_the_angle_turned_even_if_tiny_in_float32(angle):
    q = random_quaternions(100)
    axis = normalize(torch.randn(100, 3), dim=-1)
    other = compose_rotvec(q, angle * axis)
    expected = torch.full((100,), angle)
    for sign in (1, -1):
        torch.testing.assert_close(rotation_angle(q, sign * other), expected, rtol=0, atol=1e-6)


def test_angle_has_finite_gradients_at_zero():
    q = random_quaternions(10).requires_grad_()
    rotation_angle(q, q.detach()).sum().backward()
    assert q.grad.isfinite().all()


@both
def test_invert_undoes_a_motion(dtype, tolerance):
    t, q = random_poses(100, dtype=dtype)
    points = torch.randn(100, 3, dtype=dtype)
    t_inverse, q_inverse = invert(t, q)
    back = rotate(q_inverse, rotate(q, points) + t) + t_inverse
    torch.testing.assert_close(back, points, rtol=0, atol=50 * tolerance)


def test_mean_quaternion_does_not_depend_on_signs():
    center = random_quaternions(1)
    q = compose_rotvec(center, 0.2 * torch.randn(400, 3))
    signs = torch.where(torch.rand(400, 1) < 0.5, -1.0, 1.0)
    mean = mean_quaternion(q)
    assert rotation_angle(mean, mean_quaternion(signs * q)) < 1e-5
    assert rotation_angle(mean, center[0]) < 0.05
    torch.testing.assert_close(mean.norm(), torch.ones(()))


def test_robust_box_holds_95_percent_of_the_positions():
    t = 100 * torch.rand(2000, 3) + 500
    center, half_size = robust_box(t)
    assert (center - 550).abs().max() < 5
    inside = ((t - center).abs() <= half_size).all(dim=-1).float().mean()
    assert inside == pytest.approx(0.95, abs=0.005)


def test_robust_box_is_unmoved_by_a_wild_label():
    t = torch.randn(200, 3, dtype=torch.float64)
    wild = torch.cat([t, torch.tensor([[3.4e9, -3.4e9, 0.0]], dtype=torch.float64)])
    (center, half_size), (center_wild, half_size_wild) = robust_box(t), robust_box(wild)
    torch.testing.assert_close(center_wild, center, rtol=0, atol=0.05)
    torch.testing.assert_close(half_size_wild, half_size, rtol=0.1, atol=0)
