import math

import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp
from hinted_posenet.core.types import Pose
from hinted_posenet.models.losses import BetaLoss, LearnedWeightsLoss

IDENTITY = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
TRUTH = Pose(torch.zeros(1, 3), IDENTITY)
# 3 m and 4 m off along two axes, a quarter turn
PREDICTED = Pose(
    torch.tensor([[3.0, -4.0, 0.0]]), quaternion_exp(torch.tensor([[0, math.pi / 2, 0]]))
)
NONE = hints(TRUTH, INF, INF)
LOSSES = [
    BetaLoss(beta=2.0),
    BetaLoss(beta=2.0, norm=1),
    LearnedWeightsLoss(),
    LearnedWeightsLoss(norm=2),
]
each_loss = pytest.mark.parametrize("loss", LOSSES)


def test_beta_by_hand():
    assert BetaLoss(beta=10.0)(PREDICTED, TRUTH, NONE).tolist() == pytest.approx([5 + 5 * math.pi])
    assert BetaLoss(beta=10.0, norm=1)(PREDICTED, TRUTH, NONE).item() == pytest.approx(
        7 + 5 * math.pi
    )


def test_learned_weights_by_hand():
    loss = LearnedWeightsLoss(unit_t="metre", norm=2, s_t=0.5, s_r=-1.0)
    expected = math.exp(-0.5) * 5 + 0.5 + math.exp(1) * math.pi / 2 - 1
    assert loss(PREDICTED, TRUTH, NONE).item() == pytest.approx(expected)


@each_loss
def test_one_loss_per_sample(loss):
    assert loss(random_poses(7), random_poses(7, seed=5), NONE).shape == (7,)


@each_loss
def test_gradients_are_finite_at_zero_error(loss):
    truth = random_poses(50)
    predicted = Pose(*(part.clone().requires_grad_() for part in truth))
    loss(predicted, truth, NONE).sum().backward()
    assert predicted.t.grad.isfinite().all()
    assert predicted.q.grad.isfinite().all()


@each_loss
def test_both_signs_of_a_quaternion_cost_the_same(loss):
    truth, predicted = random_poses(50), random_poses(50, seed=5)
    other = Pose(predicted.t, -predicted.q)
    torch.testing.assert_close(loss(predicted, truth, NONE), loss(other, truth, NONE))
    torch.testing.assert_close(
        loss(predicted, truth, NONE), loss(predicted, Pose(truth.t, -truth.q), NONE)
    )


def test_learned_weights_go_where_the_errors_are():
    """At the optimum exp(s) is the mean error of its term: 0.1 m and 0.01 rad here."""
    loss = LearnedWeightsLoss(unit_t="metre", norm=2)
    truth = random_poses(200)
    predicted = Pose(
        truth.t + torch.tensor([0.1, 0, 0]), torch.nn.functional.normalize(truth.q, dim=-1)
    )
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        (loss(predicted, truth, NONE)).mean().backward()
        optimizer.step()
    assert loss.s_t.exp().item() == pytest.approx(0.1, rel=0.05)
    assert loss.s_r < -10  # no rotation error at all: ever surer


@pytest.mark.parametrize("kind", [lambda unit: BetaLoss(1.0, unit), LearnedWeightsLoss])
def test_scene_unit_makes_a_desk_and_a_county_cost_the_same(kind):
    truth, predicted = random_poses(100), random_poses(100, seed=5)
    predicted = predicted._replace(q=truth.q)

    def cost(unit: str, size: float):
        loss = kind(unit)
        small = [Pose(size * pose.t, pose.q) for pose in (predicted, truth)]
        loss.fit(small[1])
        return loss(*small, NONE).detach()

    torch.testing.assert_close(cost("scene", 0.1), cost("scene", 1000.0), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(cost("metre", 0.1), cost("metre", 1000.0), rtol=0.5)


def test_unknown_unit_names_the_choices():
    with pytest.raises(InputError, match="metre or scene"):
        BetaLoss(1.0, unit_t="feet")


@each_loss
def test_vague_hints_and_none_weigh_alike(loss):
    truth, predicted = random_poses(20), random_poses(20, seed=5)
    loss.fit(truth)
    without = loss(predicted, truth, NONE)
    torch.testing.assert_close(loss(predicted, truth, hints(truth, 1e3, 3.0)), without)


@pytest.mark.parametrize("kind", [lambda **how: BetaLoss(1.0, **how), LearnedWeightsLoss])
def test_errors_beside_a_sharp_hint_weigh_more(kind):
    """Twice as much for a quarter of the sigma, where balance is a half."""
    truth = random_poses(200)
    loss = kind(balance=0.5)
    loss.fit(truth)
    sharp, sharper = (hints(truth, size * loss.half_extent_m.item(), size) for size in (0.4, 0.1))
    predicted = random_poses(200, seed=5)
    for term, other in zip(
        loss.terms(predicted, truth, sharp), loss.terms(predicted, truth, sharper), strict=True
    ):
        torch.testing.assert_close(other, 2.0 * term)


def test_a_negative_balance_is_refused():
    with pytest.raises(InputError, match="balance"):
        BetaLoss(1.0, balance=-1.0)
