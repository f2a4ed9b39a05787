import pytest
import torch
from poses import generator, random_poses, sequences

from hinted_posenet.hint.gaussian import GaussianHints
from hinted_posenet.hint.mixed import MixedHints
from hinted_posenet.hint.none import NoHint
from hinted_posenet.hint.uniform import UniformHints
from hinted_posenet.types import InputError

COUNT = 4000
TRUTH = random_poses(COUNT)
FEATURE = torch.zeros(COUNT, 1)


def sharp() -> GaussianHints:
    return GaussianHints(0.01, 0.01, 1.0, 1.0, p_none=0.0, p_part=0.0)


def fitted(**weights: float) -> MixedHints:
    source = MixedHints({"sharp": sharp(), "none": NoHint(), "uniform": UniformHints()}, weights)
    source.fit(TRUTH, FEATURE, sequences(COUNT))
    return source


def test_every_source_gives_its_share():
    hint = fitted(sharp=3.0, none=1.0).for_training(TRUTH, FEATURE, generator(), lambda *_: TRUTH)
    known = hint.sigma_t.isfinite()
    assert known.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert torch.equal(known, hint.sigma_r.isfinite())
    off = (hint.pose.t - TRUTH.t).norm(dim=-1)
    assert off[known].quantile(0.99) < 4 * hint.sigma_t[known][0]


def test_draws_depend_on_the_generator_alone():
    source = fitted(sharp=1.0, uniform=1.0)
    first, again, other = (
        source.for_training(TRUTH, FEATURE, generator(seed), lambda *_: TRUTH) for seed in (1, 1, 2)
    )
    assert torch.equal(first.pose.t, again.pose.t)
    assert not torch.equal(first.pose.t, other.pose.t)


def test_a_source_of_weight_zero_is_left_out():
    source = fitted(sharp=1.0, uniform=0.0)
    assert list(source.sources) == ["sharp"]


@pytest.mark.parametrize("weights", [{}, {"sharp": 0.0}, {"sharp": -1.0}, {"blunt": 1.0}])
def test_senseless_weights_are_named(weights):
    with pytest.raises(InputError, match=r"train_hint\.weights"):
        fitted(**weights)
