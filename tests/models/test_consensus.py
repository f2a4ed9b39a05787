import pytest
import torch
from poses import random_poses, random_quaternions

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.heads.consensus import Hypotheses, consensus, several

QUERIES = 50


def around(truth: Pose, scale_t_m: torch.Tensor, scale_r_rad: torch.Tensor) -> Hypotheses:
    """Hypotheses (B, K) with errors of the stated scales (K,), and quaternions of either sign."""
    generator = torch.Generator().manual_seed(3)
    shape = (len(truth.t), len(scale_t_m), 3)
    sign = torch.randn(shape[:2], generator=generator).sign().unsqueeze(-1)
    turn = scale_r_rad.unsqueeze(-1) * torch.randn(shape, generator=generator)
    return Hypotheses(
        Pose(
            truth.t.unsqueeze(1)
            + scale_t_m.unsqueeze(-1) * torch.randn(shape, generator=generator),
            sign * compose_rotvec(truth.q.unsqueeze(1), turn),
        ),
        scale_t_m.expand(shape[:2]),
        scale_r_rad.expand(shape[:2]),
    )


def errors(pose: Pose, truth: Pose) -> tuple[float, float]:
    return (
        (pose.t - truth.t).norm(dim=-1).median().item(),
        rotation_angle(pose.q, truth.q).median().item(),
    )


def test_agreement_is_better_than_the_best_of_equals():
    truth = random_poses(QUERIES)
    hypotheses = around(truth, torch.full((9,), 0.3), torch.full((9,), 0.05))
    single = errors(Pose(hypotheses.pose.t[:, 0], hypotheses.pose.q[:, 0]), truth)
    together = errors(consensus(hypotheses).pose, truth)
    assert together[0] < 0.6 * single[0]
    assert together[1] < 0.6 * single[1]


def test_wrong_places_drop_out_however_sure_the_others_are_not():
    truth, elsewhere = random_poses(QUERIES), random_poses(QUERIES, seed=7, half_extent_m=1000.0)
    hypotheses = around(truth, torch.full((8,), 0.3), torch.full((8,), 0.05))
    hypotheses.pose.t[:, 1:4] = elsewhere.t.unsqueeze(1)
    hypotheses.pose.q[:, 1:4] = elsewhere.q.unsqueeze(1)
    answer = errors(consensus(hypotheses).pose, truth)
    assert answer[0] < 0.5
    assert answer[1] < 0.08


def test_the_most_certain_place_wins_and_states_its_sigma():
    truth = random_poses(QUERIES)
    scale_t, scale_r = torch.tensor([3.0, 0.01, 3.0]), torch.tensor([0.3, 0.001, 0.3])
    answer = consensus(around(truth, scale_t, scale_r))
    error_t, error_r = errors(answer.pose, truth)
    assert error_t < 0.03
    assert error_r < 0.003
    assert (answer.sigma_t_m < 0.1).all()
    assert (answer.sigma_r_rad < 0.01).all()


def test_places_that_look_alike_are_modes_of_equal_weight_and_the_first_is_the_consensus():
    truth, twin = random_poses(QUERIES), random_poses(QUERIES, seed=7, half_extent_m=1000.0)
    hypotheses = around(truth, torch.full((8,), 0.3), torch.full((8,), 0.05))
    for mine, theirs in zip(hypotheses.pose, twin, strict=True):
        mine[:, 4:] = theirs.unsqueeze(1)
    modes, answer = several(hypotheses), consensus(hypotheses)
    assert torch.equal(modes.pose.t[:, 0], answer.pose.t)
    assert torch.equal(modes.covariance[:, 0], answer.covariance)
    first, second = modes.log_weight.exp().quantile(0.5, dim=0)[:2].tolist()
    assert first == pytest.approx(0.5, abs=0.1)
    assert second == pytest.approx(0.5, abs=0.1)
    assert errors(Pose(modes.pose.t[:, 1], modes.pose.q[:, 1]), twin)[0] < 0.5


def test_a_place_weighs_as_much_as_the_certainty_of_those_that_it_explains():
    truth = random_poses(QUERIES)
    vague = torch.tensor([0.1, 0.1, 10.0, 10.0])
    hypotheses = around(truth, vague, torch.full((4,), 0.05))
    hypotheses.pose.t[:, 2:] += 1000.0
    log_weight = several(hypotheses).log_weight
    torch.testing.assert_close(log_weight.exp().sum(dim=1), torch.ones(QUERIES))
    assert log_weight[:, 0].exp().quantile(0.5).item() > 0.95
    assert log_weight[:, 3].isinf().sum() > QUERIES / 2  # most have two places, not four


def test_the_likelihood_is_highest_for_the_true_scale():
    truth = random_poses(2000)
    found = around(truth, torch.full((1,), 0.5), torch.full((1,), 0.1))
    factors = torch.tensor([0.5, 0.9, 1.1, 2.0])
    # normal errors of 0.5 per axis have a mean norm of 1.596 * 0.5, three times the scale that fits them
    fitting = 0.5 * 1.596 / 3
    for part in (0, 1):
        unit = (fitting, fitting / 5)[part]
        values = [
            found._replace(scale_t_m=torch.tensor(unit * f), scale_r_rad=torch.tensor(unit * f))
            .negative_log_likelihood(truth)[part]
            .mean()
            .item()
            for f in factors.tolist()
        ]
        assert max(values[1:3]) < min(values[0], values[3])


@pytest.mark.parametrize("count", [1, 8])
def test_gradients_are_finite_where_all_say_the_same(count):
    t = torch.ones(4, count, 3, requires_grad=True)
    q = random_quaternions(1).expand(4, count, 4).clone().requires_grad_()
    scale = torch.ones(4, count)
    answer = consensus(Hypotheses(Pose(t, q), scale, scale)).pose
    (answer.t.sum() + answer.q.sum()).backward()
    for leaf in (t, q):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
