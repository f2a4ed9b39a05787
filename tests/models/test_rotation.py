import pytest
import torch

from hinted_posenet.core.geometry import quaternion_log, rotate
from hinted_posenet.models.encoding import LogQuaternion, Quaternion, SixD

every = pytest.mark.parametrize("rotation", [Quaternion(), LogQuaternion(), SixD()])


@every
def test_zeros_are_the_identity(rotation):
    q = rotation(torch.zeros(3, rotation.size))
    assert torch.equal(q, torch.tensor([1.0, 0, 0, 0]).expand(3, 4))


@every
def test_output_is_a_unit_quaternion(rotation):
    for scale in (1e-6, 1.0, 30.0):
        q = rotation(scale * torch.randn(500, rotation.size))
        torch.testing.assert_close(q.norm(dim=-1), torch.ones(500))


@every
def test_small_numbers_are_that_many_radians(rotation):
    step = 1e-4
    raw = step * torch.eye(rotation.size, dtype=torch.float64)
    vectors = quaternion_log(rotation(raw)) / step
    lengths = vectors.norm(dim=-1)
    # each number turns by itself in radians, or (scale and w of a quaternion...) not at all
    assert ((lengths - 1).abs().lt(1e-3) | lengths.lt(1e-3)).all()
    for axis in torch.eye(3, dtype=torch.float64):  # and every axis is reached
        assert (vectors @ axis).abs().max() == pytest.approx(1, abs=1e-3)


@every
def test_gradients_are_finite_at_the_start(rotation):
    raw = torch.zeros(4, rotation.size, requires_grad=True)
    rotation(raw).sum().backward()
    assert raw.grad.isfinite().all()
    assert raw.grad.abs().sum() > 0


def test_log_quaternion_is_the_rotation_vector():
    vector = 0.5 * torch.randn(20, 3)
    torch.testing.assert_close(quaternion_log(LogQuaternion()(vector)), vector)


def test_six_d_numbers_are_the_images_of_x_and_y():
    raw = torch.randn(50, 6, dtype=torch.float64)
    q = SixD()(raw)
    x = raw[:, :3] + torch.tensor([1.0, 0, 0], dtype=torch.float64)
    y = raw[:, 3:] + torch.tensor([0, 1.0, 0], dtype=torch.float64)
    turned_x = rotate(q, torch.tensor([1.0, 0, 0], dtype=torch.float64))
    turned_y = rotate(q, torch.tensor([0, 1.0, 0], dtype=torch.float64))
    assert torch.linalg.cross(turned_x, x).norm(dim=-1).max() < 1e-9
    assert ((turned_x * x).sum(-1) > 0).all()
    assert ((turned_y * y).sum(-1) > 0).all()
