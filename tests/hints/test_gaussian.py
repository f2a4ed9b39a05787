import math

import pytest
import torch
from poses import generator, no_answer, random_poses, sequences

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import relative_rotvec
from hinted_posenet.core.schema import check_argument
from hinted_posenet.hints.gaussian import GaussianHints

SETTINGS = {
    "sigma_t_min": 0.01,
    "sigma_t_max": 1.0,
    "sigma_r_min_deg": 0.5,
    "sigma_r_max_deg": 45.0,
    "p_none": 0.3,
    "p_part": 0.1,
}
COUNT = 20_000
TRUTH = random_poses(COUNT)
FEATURE = torch.zeros(COUNT, 1)


def fitted(**changes: float) -> GaussianHints:
    source = GaussianHints(**{**SETTINGS, **changes})
    source.fit(TRUTH, FEATURE, sequences(COUNT))
    return source


def test_sigma_covers_its_range_evenly_in_the_logarithm():
    source = fitted(p_none=0.0, p_part=0.0)
    hint = source.for_training(TRUTH, FEATURE, generator(), no_answer)
    ranges = (
        (hint.sigma_t_m, 0.01 * source.half_extent_m, source.half_extent_m),
        (hint.sigma_r_rad, torch.tensor(math.radians(0.5)), torch.tensor(math.radians(45.0))),
    )
    for sigma, low, high in ranges:
        position = (sigma / low).log() / (high / low).log()
        assert position.min() >= -1e-5
        assert position.max() <= 1 + 1e-5
        deciles = position.quantile(torch.linspace(0.1, 0.9, 9))
        torch.testing.assert_close(deciles, torch.linspace(0.1, 0.9, 9), rtol=0, atol=0.02)


def test_position_and_rotation_draw_on_their_own():
    hint = fitted(p_none=0.0, p_part=0.0).for_training(TRUTH, FEATURE, generator(), no_answer)
    together = torch.corrcoef(torch.stack([hint.sigma_t_m.log(), hint.sigma_r_rad.log()]))
    assert together[0, 1].abs() < 0.03


def test_shares_without_a_hint():
    hint = fitted().for_training(TRUTH, FEATURE, generator(), no_answer)
    no_t, no_r = hint.sigma_t_m.isinf(), hint.sigma_r_rad.isinf()
    for share, expected in (
        (no_t & no_r, 0.3 + 0.7 * 0.01),
        (no_t & ~no_r, 0.7 * 0.09),
        (no_r & ~no_t, 0.7 * 0.09),
    ):
        assert share.float().mean().item() == pytest.approx(expected, abs=0.012)


def test_noise_has_the_sigma_that_the_head_receives():
    hint = fitted(p_none=0, p_part=0, sigma_r_max_deg=20.0).for_training(
        TRUTH, FEATURE, generator(), no_answer
    )
    off_t = (hint.pose.t - TRUTH.t) / hint.sigma_t_m.unsqueeze(-1)
    turn = relative_rotvec(TRUTH.q, hint.pose.q)
    for noise in (off_t, turn / hint.sigma_r_rad.unsqueeze(-1)):
        torch.testing.assert_close(noise.std(dim=0), torch.ones(3), rtol=0, atol=0.03)
        torch.testing.assert_close(noise.mean(dim=0), torch.zeros(3), rtol=0, atol=0.03)


def test_the_same_generator_gives_the_same_hints():
    source = fitted()
    a, b, c = (
        source.for_training(TRUTH, FEATURE, generator(seed), no_answer) for seed in (1, 1, 2)
    )
    assert torch.equal(a.pose.t, b.pose.t)
    assert torch.equal(a.pose.q, b.pose.q)
    assert torch.equal(a.sigma_t_m, b.sigma_t_m)
    assert not torch.equal(a.pose.t, c.pose.t)


def test_refuses_an_empty_range():
    with pytest.raises(InputError, match="min <= max"):
        GaussianHints(**{**SETTINGS, "sigma_t_min": 2.0})


@pytest.mark.parametrize("key", ["sigma_t_min", "sigma_r_min_deg"])
def test_a_sigma_of_zero_is_no_lower_end(key):
    with pytest.raises(InputError, match="0 < min"):
        GaussianHints(**{**SETTINGS, key: 0.0})


@pytest.mark.parametrize("key", ["p_none", "p_part"])
def test_a_probability_is_from_0_to_1(key):
    for value in (0.0, 1.0):
        check_argument(key, value, GaussianHints)
    for value in (-0.01, 1.01):
        with pytest.raises(InputError, match=key):
            check_argument(key, value, GaussianHints)
