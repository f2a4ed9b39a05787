import pytest
import torch
from poses import generator, no_answer, random_poses, sequences

from hinted_posenet.core.errors import InputError
from hinted_posenet.hints.gaussian import GaussianHints
from hinted_posenet.hints.mixed import MixedHints
from hinted_posenet.hints.retrieval import LeaveOneOutHints
from hinted_posenet.hints.trivial import NoHint, UniformHints

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
    hint = fitted(sharp=3.0, none=1.0).for_training(TRUTH, FEATURE, generator(), no_answer)
    known = hint.sigma_t_m.isfinite()
    assert known.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert torch.equal(known, hint.sigma_r_rad.isfinite())
    off = (hint.pose.t - TRUTH.t).norm(dim=-1)
    assert off[known].quantile(0.99) < 4 * hint.sigma_t_m[known][0]


def test_draws_depend_on_the_generator_alone():
    source = fitted(sharp=1.0, uniform=1.0)
    first, again, other = (
        source.for_training(TRUTH, FEATURE, generator(seed), no_answer) for seed in (1, 1, 2)
    )
    assert torch.equal(first.pose.t, again.pose.t)
    assert not torch.equal(first.pose.t, other.pose.t)


def test_a_source_of_weight_zero_is_left_out():
    source = fitted(sharp=1.0, uniform=0.0)
    assert list(source.sources) == ["sharp"]


def test_odds_may_be_whole_numbers():
    hint = fitted(sharp=1, none=1).for_training(TRUTH, FEATURE, generator(), no_answer)
    assert hint.sigma_t_m.isfinite().float().mean().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("other, count", [("four", 2), ("none", 0)])
def test_hints_have_the_neighbours_that_every_source_gives(other, count):
    sources = {
        "two": LeaveOneOutHints(neighbours=2, candidates=4, p_own=1.0),
        "four": LeaveOneOutHints(neighbours=4, candidates=4, p_own=1.0),
        "none": NoHint(),
    }
    source = MixedHints(sources, {"two": 1.0, other: 1.0})
    feature = torch.randn(50, 8, 1, 1, generator=generator())
    truth = random_poses(50)
    source.fit(truth, feature, sequences(50))
    hint = source.for_training(truth, feature, generator(), no_answer)
    assert hint.neighbours.shape == (50, count)
    near = sources["two"].rows[1]  # each image's, best first
    assert (hint.neighbours.unsqueeze(-1) == near.unsqueeze(1)).any(dim=-1).all()


@pytest.mark.parametrize(
    "weights", [{}, {"sharp": 0.0}, {"sharp": -1.0}, {"sharp": torch.inf}, {"blunt": 1.0}]
)
def test_senseless_weights_are_named(weights):
    with pytest.raises(InputError, match=r"train_hint\.weights"):
        fitted(**weights)
