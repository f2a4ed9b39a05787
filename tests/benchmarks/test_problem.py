import torch
from torch import Generator
from toy_problem import (
    branches,
    constant_hint,
    curve,
    draw_hint,
    draw_samples,
    fold,
    no_hint,
    posterior_mean,
)


def test_branches_are_the_three_answers():
    low, high = fold()
    y = torch.linspace(low + 0.001, high - 0.001, 50)
    found = branches(y)
    assert torch.allclose(curve(found), y.unsqueeze(1).expand(50, 3), atol=1e-5)
    assert (found.diff(dim=1) > 0.01).all()
    assert torch.allclose(branches(torch.tensor([0.5]))[0, 1], torch.tensor(0.5))


def test_a_hint_is_off_by_its_sigma_and_none_tells_nothing():
    t = torch.rand(10_000, generator=Generator().manual_seed(0))
    hint = draw_hint(t, torch.full_like(t, 0.1), Generator().manual_seed(1))
    assert abs(float((hint.t - t).std()) - 0.1) < 0.005
    nothing = draw_hint(t, torch.full_like(t, torch.inf), Generator().manual_seed(1))
    assert torch.equal(nothing.t, no_hint(len(t)).t)


def test_the_ideal_is_the_mean_of_what_is_possible():
    y, t = draw_samples(1_000_000, Generator().manual_seed(0))
    asked = torch.tensor([0.2, 0.42, 0.47])
    is_near = (y - asked.unsqueeze(1)).abs() < 0.001
    mean = torch.stack([t[rows].mean() for rows in is_near])
    assert torch.allclose(posterior_mean(asked, no_hint(3)), mean, atol=0.02)


def test_a_hint_selects_a_branch_of_the_ideal():
    y = torch.tensor([0.48])
    for branch in branches(y)[0].tolist():
        hint = constant_hint(branch + 0.04, 0.05, 1)
        assert abs(float(posterior_mean(y, hint)) - branch) < 0.02
