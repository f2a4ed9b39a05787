import torch
from scipy.stats import chi2

from hinted_posenet.inference.sigma_fit import fit_weights, widened

COUNT = 2000


def noise(seed: int, *sigmas: float) -> torch.Tensor:
    """(COUNT, 6) normal numbers with these standard deviations of the axes."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(COUNT, 6, generator=generator) * torch.tensor(sigmas)


def stated(*sigmas: float) -> torch.Tensor:
    return torch.tensor(sigmas).float().square().diag_embed().expand(COUNT, 6, 6)


def held(error: torch.Tensor, covariance: torch.Tensor, level: float = 0.95) -> float:
    """Share of positions in the ellipsoid that claims ``level``."""
    e = error[:, :3, None]
    nees = (e * torch.linalg.solve(covariance[:, :3, :3], e)).sum(dim=(1, 2))
    return float((nees <= chi2.ppf(level, 3)).float().mean())


def test_stated_sigmas_are_stretched_to_the_errors_part_by_part():
    error = noise(0, 2, 2, 6, 0.1, 0.1, 0.1)
    weights = fit_weights(error, stated(1, 1, 1, 1, 1, 1), noise(1, 1, 1, 1, 1, 1, 1))
    torch.testing.assert_close(weights[:, 0], torch.tensor([2.0, 6.0, 0.1]), rtol=0.15, atol=0)
    assert (weights[:, 1] < 0.5 * weights[:, 0]).all()  # the disagreement says nothing


def test_a_disagreement_that_tells_the_error_widens_the_frames_that_it_should():
    lost = torch.arange(COUNT) % 4 == 0
    error = noise(0, 1, 1, 1, 0.1, 0.1, 0.1)
    error[lost] *= 20
    off = error + noise(1, 1, 1, 1, 0.1, 0.1, 0.1)  # what a good reference would see
    covariance = stated(1, 1, 1, 1, 1, 1)
    weights = fit_weights(error, covariance, off)
    found = widened(covariance, off, weights.expand(COUNT, 3, 2))
    sigma = found[:, 0, 0].sqrt()
    assert sigma[lost].quantile(0.5) > 5 * sigma[~lost].quantile(0.5)
    assert 0.94 < held(error, found) < 0.96
    assert held(error[lost], found[lost]) > 0.9


def test_the_95_percent_ellipsoid_holds_95_percent_of_heavy_tailed_errors():
    error = noise(0, 1, 1, 1, 1, 1, 1) * noise(1, 1, 1, 1, 1, 1, 1)[:, :1].abs().exp().square()
    off = noise(2, 1, 1, 1, 1, 1, 1)
    covariance = stated(1, 1, 1, 1, 1, 1)
    found = widened(covariance, off, fit_weights(error, covariance, off).expand(COUNT, 3, 2))
    assert 0.94 < held(error, found) < 0.96


def test_what_a_head_states_keeps_its_directions():
    along = torch.tensor([[4.0, 1.9], [1.9, 1.0]])  # a long and narrow ellipse
    covariance = stated(1, 1, 1, 1, 1, 1).clone()
    covariance[:, :2, :2] = along
    weights = torch.tensor([[3.0, 0.0], [1.0, 0.0], [1.0, 0.0]]).expand(COUNT, 3, 2)
    found = widened(covariance, torch.ones(COUNT, 6), weights)
    torch.testing.assert_close(found[0, :2, :2], 9 * along)
    assert torch.linalg.eigvalsh(found[0]).min() > 0


def test_one_image_is_enough_for_finite_weights():
    one = torch.ones(1, 6)
    weights = fit_weights(one, torch.eye(6).unsqueeze(0), one)
    assert weights.isfinite().all() and (weights[:, 0] > 0).all()


def test_answers_without_any_error_keep_a_covariance_that_has_an_inverse():
    nothing, covariance = torch.zeros(COUNT, 6), stated(1, 1, 1, 1, 1, 1)
    weights = fit_weights(nothing, covariance, nothing)
    found = widened(covariance, nothing, weights.expand(COUNT, 3, 2))
    assert 0 < found[0, 0, 0].sqrt() < 1e-3
    torch.linalg.cholesky(found.double())
