"""Which images fit a map."""

import torch

from hinted_posenet.models.registration.acceptance import DEFAULT_RULE, fit_rule, fits_map


def measures(count: int, fit: float, misfit: float, seed: int) -> torch.Tensor:
    noise = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    middle = torch.tensor([fit, 0.5, misfit, 0.9])
    return middle + noise * torch.tensor([0.7, 0.5, 0.1, 0.05])


def test_right_and_wrong_answers_are_told_apart_by_what_was_measured():
    right, wrong = measures(100, 6.0, -0.8, 0), measures(100, 3.5, -0.1, 1)
    rule = fit_rule(torch.cat([right, wrong]), torch.arange(200) < 100)
    assert fits_map(measures(1000, 6.0, -0.8, 2), rule).float().mean() > 0.97
    assert fits_map(measures(1000, 3.5, -0.1, 3), rule).float().mean() < 0.01


def test_where_they_look_alike_wrong_answers_are_kept_out():
    right, wrong = measures(100, 4.0, -0.2, 0), measures(100, 3.5, -0.15, 1)
    rule = fit_rule(torch.cat([right, wrong]), torch.arange(200) < 100)
    assert fits_map(measures(1000, 3.5, -0.15, 3), rule).float().mean() < 0.04


def test_few_answers_leave_the_default_which_is_finite_where_all_places_are_near():
    few = measures(6, 6.0, -0.8, 0)
    few[:, 1] = torch.inf
    rule = fit_rule(few, torch.ones(6, dtype=torch.bool))
    assert torch.equal(rule, torch.tensor(DEFAULT_RULE))
    assert fits_map(few, rule).all()
    usual = torch.tensor([0.0, 0.0, -1.0, 0.0, -0.5])
    assert torch.equal(fit_rule(few, torch.ones(6, dtype=torch.bool), usual), usual)
    many = measures(40, 6.0, -0.8, 0)
    many[:, 1] = torch.inf
    assert fit_rule(many, torch.arange(40) < 20).isfinite().all()
