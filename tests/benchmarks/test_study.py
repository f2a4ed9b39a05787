"""What the page claims, on networks trained shortly."""

import pytest
import torch
from torch import Tensor
from toy_networks import HintedEmbedding, train
from toy_problem import branches
from toy_study import BAYES, CASCADES, EMBEDDING, HINT, NULL, PLAIN, RESIDUAL, SIGMAS, Study, study


@pytest.fixture(scope="module")
def found() -> Study:
    return study([0], steps=500)


def mean_error(found: Study, method: str) -> Tensor:
    """(SIGMAS,)."""
    return (found.by_sigma[method] - found.test.t).abs().mean(dim=(0, 2))


@pytest.mark.slow
@pytest.mark.parametrize("method", [PLAIN, NULL])
def test_regression_without_a_hint_averages(found, method):
    averaged = mean_error(found, BAYES)[SIGMAS.index(torch.inf)]
    assert ((mean_error(found, method) / averaged - 1).abs() < 0.05).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", [EMBEDDING, RESIDUAL])
def test_a_hint_makes_the_error_several_times_smaller(found, method):
    column = SIGMAS.index(0.03)
    error = mean_error(found, method)[column]
    assert 5 * error < mean_error(found, PLAIN)[column]
    assert 1.4 * error < mean_error(found, HINT)[column]


@pytest.mark.slow
def test_the_residual_is_never_worse_than_the_hint_or_none(found):
    bar = torch.minimum(mean_error(found, HINT), mean_error(found, NULL))
    assert (mean_error(found, RESIDUAL) < 1.1 * bar).all()


@pytest.mark.slow
@pytest.mark.parametrize("plan", CASCADES[:2], ids=lambda plan: plan.method)
def test_a_cascade_settles_on_a_branch_and_stays(found, plan):
    refinement_steps = found.by_pass[plan][0]
    distance = (refinement_steps.unsqueeze(2) - branches(found.test.y)).abs()
    off, branch = distance.min(dim=2)
    assert off[-1].median() < 0.015
    assert off[-1].median() < 0.5 * off[1].median()
    assert (branch[20] == branch[5]).float().mean() > 0.9
    assert (refinement_steps[20] - refinement_steps[19]).abs().quantile(0.95) < 0.002
    error = (refinement_steps - found.test.t).abs().quantile(0.5, dim=1)
    assert error[20] < 0.6 * error[1]
    assert error[20] < 1.1 * error[5]


def test_a_seed_gives_the_same_network():
    state = torch.random.get_rng_state()
    first, again, other = (
        train(HintedEmbedding, 0.3, seed, steps=10).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["regress.0.weight"], other["regress.0.weight"])
    assert torch.equal(torch.random.get_rng_state(), state)
