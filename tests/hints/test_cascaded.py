import pytest
import torch
from poses import generator, random_poses, sequences
from tiny import config

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.schema import check_argument
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.cascaded import CascadedHints
from hinted_posenet.hints.gaussian import GaussianHints
from hinted_posenet.inference.build import build

COUNT = 1000
TRUTH = random_poses(COUNT)
FEATURE = torch.zeros(COUNT, 1)


def fitted(**changes: float) -> CascadedHints:
    source = GaussianHints(1.0, 1.0, 1.0, 1.0, p_none=0.0, p_part=0.0)
    cascaded = CascadedHints(
        source, **{"refinement_steps": 2, "share": 0.5, "ramp_steps": 10, **changes}
    )
    cascaded.fit(TRUTH, FEATURE, sequences(COUNT))
    return cascaded


def halfway(feature: torch.Tensor, hint: Hint) -> Pose:
    """A network that goes half of the way from its hint to the truth."""
    return Pose(0.5 * (hint.pose.t + TRUTH.t), TRUTH.q)


def draw(source: CascadedHints, step: int) -> Hint:
    return source.for_training(TRUTH, FEATURE, generator(step), halfway)


def test_answers_are_introduced_gradually_with_the_error_of_their_step():
    source = fitted()
    first = draw(source, 0).sigma_t_m
    assert (first == first[0]).all()  # all of the source
    for step in range(1, 20):
        hint = draw(source, step)
    once, twice = source.sigma_t_m
    assert once.item() == pytest.approx(0.5 * first[0].item(), rel=0.1)
    assert twice.item() == pytest.approx(0.25 * first[0].item(), rel=0.1)
    counts = [(hint.sigma_t_m == sigma).float().mean() for sigma in (first[0], once, twice)]
    torch.testing.assert_close(
        torch.stack(counts), torch.tensor([0.5, 0.25, 0.25]), atol=0.05, rtol=0.0
    )
    off = (hint.pose.t - TRUTH.t).norm(dim=-1) / hint.sigma_t_m
    assert off.median().item() == pytest.approx(1.54, abs=0.15)  # sigma says what they err by


def test_a_resumed_run_draws_what_the_uninterrupted_one_would_have_drawn():
    whole, killed, resumed = fitted(), fitted(), fitted()
    for step in range(6):
        draw(whole, step)
        draw(killed, step)
    resumed.load_state_dict(killed.state_dict())
    a, b = draw(whole, 6), draw(resumed, 6)
    assert torch.equal(a.pose.t, b.pose.t)
    assert torch.equal(a.sigma_t_m, b.sigma_t_m)


@pytest.mark.parametrize("first", ["none", "leave_one_out", "mixed"])
def test_the_first_hints_may_be_of_any_source(first):
    choice = ("train_hint=cascaded", f"train_hint@train_hint.source={first}")
    source = build(config("train", "data=seven_scenes", *choice)["train_hint"], "train_hint")
    source.fit(TRUTH, torch.randn(COUNT, 2, 1, 1, generator=generator()), sequences(COUNT, of=4))
    base = source.source.for_training(TRUTH, FEATURE, generator(0), halfway)
    hint = draw(source, 0)
    assert torch.equal(hint.pose.t, base.pose.t)
    assert hint.neighbours.shape == (COUNT, 0)


@pytest.mark.parametrize(
    "key, value",
    [
        ("refinement_steps", 0),
        ("share", 1.5),
        ("share", -0.1),
        ("share", torch.nan),
        ("ramp_steps", 0),
    ],
)
def test_senseless_settings_are_named(key, value):
    with pytest.raises(InputError, match=rf"train_hint\.{key}="):
        check_argument(f"train_hint.{key}", value, CascadedHints)
