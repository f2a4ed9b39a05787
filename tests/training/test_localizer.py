import pytest
import torch
from poses import INF, generator, hints, query, random_poses, sequences
from tiny import small_localizer

from hinted_posenet.core.types import Pose, Query, Sample
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.trivial import ConstantHint


def trained_like(head: str, **options):
    localizer = small_localizer(head, **options).eval()
    for parameter in localizer.model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return localizer


def test_a_cascade_feeds_each_answer_back_with_its_measured_sigma():
    localizer = trained_like("residual", inference_hint=PriorHint(), refinement_steps=3)
    model = localizer.model
    model.step_sigma_t_m.copy_(torch.tensor([0.5, 0.2, 0.1]))
    model.step_sigma_r_rad.copy_(torch.tensor([0.3, 0.2, 0.1]))
    asked = query(5, prior=hints(random_poses(5), 1.0, 0.5))
    with torch.no_grad():
        found = localizer.predict(asked).poses
        hint, expected = asked.prior, []
        for sigma_t_m, sigma_r_rad in ((0.5, 0.3), (0.2, 0.2), (0.1, 0.1)):
            expected.append(model(asked.feature, hint))
            hint = hints(expected[-1], sigma_t_m, sigma_r_rad)
    assert len(found) == 3
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.t, b.t)
        torch.testing.assert_close(a.q, b.q)
    assert not torch.equal(found[0].t, found[1].t)


@pytest.mark.parametrize("head", ["plain", "embedding", "residual"])
def test_twenty_passes_stay_finite_and_unit(head):
    localizer = trained_like(head, inference_hint=ConstantHint(), refinement_steps=20)
    truth = random_poses(40)
    localizer.fit_scene(truth, torch.randn(40, 8, 2, 2), sequences(40))
    validation = Sample(query(40), truth)
    localizer.calibrate(validation)
    with torch.no_grad():
        answers = localizer.predict(validation.query).poses
    assert len(answers) == 20
    assert all(pose.t.isfinite().all() for pose in answers)
    assert max((pose.q.norm(dim=-1) - 1).abs().max() for pose in answers) < 1e-5


def falling_back(errors_m: list[float]):
    """A localizer whose passes are so far from the truth, and what it is asked."""
    localizer = trained_like("residual", inference_hint=PriorHint(), refinement_steps=len(errors_m))
    truth = random_poses(40)
    localizer.fit_scene(truth, torch.randn(40, 8, 2, 2), sequences(40))
    asked = query(40, prior=hints(truth, 1.0, 0.1))
    away = torch.nn.functional.normalize(torch.randn(40, 3), dim=-1)
    answers = iter(2 * [Pose(truth.t + error * away, truth.q) for error in errors_m])
    localizer.model.forward = lambda feature, hint: next(answers)
    return localizer, Sample(asked, truth)


def test_a_cascade_ends_before_the_pass_that_makes_validation_worse():
    localizer, validation = falling_back([5.0, 2.0, 3.0, 1.0])
    localizer.calibrate(validation)
    assert localizer.model.num_effective_steps == 2
    sigma = localizer.model.step_sigma_t_m
    assert torch.equal(sigma[1:], sigma[1].expand(3))
    localizer, validation = falling_back([5.0, 2.0, 3.0, 1.0])
    localizer.model.num_effective_steps.fill_(2)
    localizer.model.step_sigma_t_m.fill_(1.0)
    poses = localizer.predict(validation.query).poses
    assert len(poses) == 4
    assert torch.equal(poses[3].t, poses[1].t)
    assert not torch.equal(poses[1].t, poses[0].t)


def test_a_frame_that_moves_by_less_than_a_twentieth_of_its_sigma_stays_for_good():
    localizer, validation = falling_back([5.0, 4.99, 0.0])
    localizer.model.step_sigma_t_m.fill_(1.0)
    localizer.model.step_sigma_r_rad.fill_(1.0)
    poses = localizer.predict(validation.query).poses
    assert torch.equal(poses[2].t, poses[0].t)


def test_calibrate_measures_the_first_hint_and_every_pass():
    localizer = trained_like("plain", inference_hint=RetrievalHint(), refinement_steps=2)
    truth = random_poses(40)
    localizer.fit_scene(truth, torch.randn(40, 8, 2, 2), sequences(40))
    assert localizer.model.step_sigma_t_m.isinf().all()
    validation = Sample(query(40), truth)
    localizer.calibrate(validation)
    with torch.no_grad():
        prediction = localizer.predict(validation.query)
    error = (prediction.poses[-1].t - truth.t).norm(dim=-1).quantile(0.5)
    # the median length of a 3-vector with unit normal components is 1.538
    assert localizer.model.step_sigma_t_m[-1].item() == pytest.approx(
        error.item() / 1.538, rel=0.01
    )
    assert localizer.inference_hint.sigma_t_m.isfinite()
    assert (
        localizer.answer(validation.query).sigma_t_m.unique() == localizer.model.step_sigma_t_m[-1]
    )


def test_an_answer_does_not_depend_on_the_rest_of_the_batch():
    localizer = trained_like("embedding", inference_hint=ConstantHint(), refinement_steps=2)
    asked = query(6)
    alone = Query(*(part[:1] if i != 3 else part for i, part in enumerate(asked)))
    alone = alone._replace(prior=hints(random_poses(1), INF, INF))
    with torch.no_grad():
        together, single = (localizer.predict(q).poses[-1] for q in (asked, alone))
    torch.testing.assert_close(together.t[:1], single.t)
    torch.testing.assert_close(together.q[:1], single.q)


def test_training_hints_depend_on_seed_and_step_alone():
    """What a resumed run needs: its hints are those of the uninterrupted run."""
    from hinted_posenet.hints.gaussian import GaussianHints

    localizer = small_localizer("residual").eval()
    localizer.train_hint = GaussianHints(0.01, 1.0, 0.5, 45.0, 0.3, 0.1)
    seen = []

    def record(truth, feature, hint_generator, answer):
        seen.append(torch.randn(3, generator=hint_generator))
        return hints(truth, 1.0, 1.0)

    localizer.train_hint.for_training = record
    localizer.log = lambda *args, **kwargs: None
    sample = Sample(query(4), random_poses(4))
    for _ in range(2):
        torch.randn(7)  # the global stream has moved on
        localizer.training_step(sample, 0)
    localizer.seed = 1
    localizer.training_step(sample, 0)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], torch.randn(3, generator=generator()))
