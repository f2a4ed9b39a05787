import math

import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.core.geometry import quaternion_exp, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.heads.hinted_fusion import Mixture

IDENTITY = torch.tensor([1.0, 0.0, 0.0, 0.0])


def along_x(*x: float) -> Pose:
    """Poses (1, K) on the x axis, not turned."""
    t = torch.tensor([[[value, 0.0, 0.0] for value in x]])
    return Pose(t, IDENTITY.expand(1, len(x), 4))


def mixture(weights: list[float], x: list[float], sigma: float) -> Mixture:
    same = torch.full((1, len(x)), sigma)
    return Mixture(torch.tensor([weights]).log(), along_x(*x), same, same)


def hint(x: float, sigma_t_m: float, sigma_r_rad: float = INF):
    return hints(Pose(torch.tensor([[x, 0.0, 0.0]]), IDENTITY.view(1, 4)), sigma_t_m, sigma_r_rad)


def test_one_component_and_a_hint_are_a_kalman_update():
    fused = mixture([1.0], [0.0], sigma=3.0).given(hint(10.0, 4.0))
    assert fused.likeliest().pose.t[0, 0].item() == pytest.approx(10.0 * 9 / 25)
    assert fused.covariance[0, 0, 2, 2].sqrt().item() == pytest.approx(3 * 4 / 5)


def test_rotations_are_fused_on_the_shorter_way():
    turned = quaternion_exp(torch.tensor([[0.0, 0.0, 0.4]]))
    start = mixture([1.0], [0.0], sigma=0.1)
    for q in (turned, -turned):
        answer = start.given(hints(Pose(torch.zeros(1, 3), q), INF, 0.1)).likeliest().pose
        assert rotation_angle(answer.q, IDENTITY.view(1, 4)).item() == pytest.approx(0.2, abs=1e-5)


def test_a_hint_chooses_the_mode_that_predicted_it():
    modes = mixture([0.7, 0.3], [-50.0, 50.0], sigma=1.0)
    assert modes.given(hint(0.0, INF)).likeliest().pose.t[0, 0].item() == -50.0
    assert modes.given(hint(20.0, 30.0)).likeliest().pose.t[0, 0].item() == pytest.approx(
        50.0, abs=0.5
    )


def test_no_hint_changes_nothing():
    modes = mixture([0.7, 0.3], [-50.0, 50.0], sigma=1.0)
    same = modes.given(hint(20.0, INF))
    torch.testing.assert_close(same.log_weight, modes.log_weight)
    assert torch.equal(same.pose.t, modes.pose.t)
    torch.testing.assert_close(same.covariance[0], torch.eye(6).expand(2, 6, 6))


def test_a_sharp_hint_is_kept_where_the_image_disagrees():
    """A background component takes over where none predicted the hint."""
    image = Mixture(
        torch.tensor([[0.95, 0.05]]).log(),
        along_x(0.0, 0.0),
        torch.tensor([[1.0, 300.0]]),
        torch.ones(1, 2),
    )
    assert image.given(hint(200.0, 2.0)).likeliest().pose.t[0, 0].item() == pytest.approx(
        200.0, abs=0.1
    )


def test_likelihood_of_one_component_is_the_normal_density():
    truth = random_poses(5)
    one = torch.ones(5, 1)
    wide = Mixture(
        torch.zeros(5, 1), Pose(torch.zeros(5, 1, 3), truth.q.unsqueeze(1)), 2.0 * one, 0.1 * one
    )
    position, rotation = wide.negative_log_likelihood(truth)
    expected = 0.5 * truth.t.square().sum(dim=-1) / 4.0 + 3 * math.log(2.0)
    torch.testing.assert_close(position, expected)
    torch.testing.assert_close(rotation, torch.full((5,), 3 * math.log(0.1)))


def test_rotations_teach_no_component_where_it_is():
    """Else the easier rotation would decide which component a sample belongs to."""
    x = torch.tensor([[[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]], requires_grad=True)
    q = quaternion_exp(torch.tensor([[[0.0, 0.0, 0.5], [0.0, 0.0, 0.0]]]))
    ones = torch.ones(1, 2)
    two = Mixture(torch.zeros(1, 2).log_softmax(1), Pose(x, q), ones, 0.01 * ones)
    _, rotation = two.negative_log_likelihood(Pose(torch.zeros(1, 3), IDENTITY.view(1, 4)))
    assert not rotation.requires_grad
