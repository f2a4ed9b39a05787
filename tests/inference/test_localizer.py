from collections.abc import Callable

import pytest
import torch
from poses import INF, hints, query, random_poses, sequences
from tiny import OneConvolution, small_localizer

from hinted_posenet.core.types import Pose, Query, Sample
from hinted_posenet.data import posed_images
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.retrieval_database import RetrievalDatabase
from hinted_posenet.hints.trivial import ConstantHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.posenet import GridPool, PoseNet


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
def test_twenty_steps_stay_finite_and_unit(head):
    localizer = trained_like(head, inference_hint=ConstantHint(), refinement_steps=20)
    truth = random_poses(40)
    localizer.fit(truth, torch.randn(40, 8, 2, 2), sequences(40))
    validation = Sample(query(40), truth)
    localizer.calibrate(validation)
    with torch.no_grad():
        answers = localizer.predict(validation.query).poses
    assert len(answers) == 20
    assert all(pose.t.isfinite().all() for pose in answers)
    assert max((pose.q.norm(dim=-1) - 1).abs().max() for pose in answers) < 1e-5


class RuleHead(Head):
    """Answers with the hint's rotation, and its position as a rule moves it."""

    def __init__(self, move: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.move = move

    def forward(self, feature, hint, frame):
        return Pose(self.move(hint.pose.t), hint.pose.q)


def ruled(move: Callable[[torch.Tensor], torch.Tensor], steps: int) -> LocalizerModule:
    model = PoseNet(OneConvolution(), GridPool(2), lambda *_: RuleHead(move), steps)
    return LocalizerModule(model, PriorHint()).eval()


def at_distance(distance_m: float, rows: int = 20) -> Sample:
    """Queries whose prior is so far from the true position, the origin."""
    truth = Pose(torch.zeros(rows, 3), random_poses(rows).q)
    away = torch.nn.functional.normalize(torch.randn(rows, 3), dim=-1)
    prior = hints(Pose(distance_m * away, truth.q), 1.0, 0.1)
    return Sample(query(rows, prior=prior), truth)


def halve_then_jump(t: torch.Tensor) -> torch.Tensor:
    """Half the distance to the origin, but from 1 m on away to 3 m."""
    distance = t.norm(dim=-1, keepdim=True)
    return torch.where(distance > 1.01, 0.5 * t, 3.0 * t / distance)


def test_a_cascade_ends_before_the_step_that_makes_validation_worse():
    localizer, validation = ruled(halve_then_jump, 6), at_distance(8.0)
    localizer.calibrate(validation)
    assert localizer.model.num_effective_steps == 3  # 4, 2, 1 m, and then 3 m
    sigma = localizer.model.step_sigma_t_m
    assert torch.equal(sigma[3:], sigma[2].expand(3))
    distances = [pose.t.norm(dim=-1).mean() for pose in localizer.predict(validation.query).poses]
    assert distances == pytest.approx([4.0, 2.0, 1.0, 1.0, 1.0, 1.0])


def test_a_frame_that_moves_by_less_than_a_twentieth_of_its_sigma_has_converged():
    localizer = ruled(lambda t: t + 0.01, 3)
    localizer.model.step_sigma_t_m.fill_(1.0)
    localizer.model.step_sigma_r_rad.fill_(1.0)
    first, _, last = localizer.predict(at_distance(5.0).query).poses
    assert torch.equal(last.t, first.t)
    localizer.model.step_sigma_t_m.fill_(0.1)
    first, _, last = localizer.predict(at_distance(5.0).query).poses
    torch.testing.assert_close(last.t, first.t + 0.02)


def test_calibrate_measures_the_first_hint_and_every_step():
    localizer = trained_like("plain", inference_hint=RetrievalHint(), refinement_steps=2)
    truth = random_poses(40)
    localizer.fit(truth, torch.randn(40, 8, 2, 2), sequences(40))
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


def test_calibration_compares_few_images_at_a_time_with_the_training_images(monkeypatch):
    def calibrated(at_once: int) -> dict[str, torch.Tensor]:
        monkeypatch.setattr(posed_images, "AT_ONCE", at_once)
        torch.manual_seed(0)
        localizer = trained_like("residual", inference_hint=RetrievalHint(), refinement_steps=3)
        truth, feature = random_poses(60), torch.randn(60, 8, 2, 2)
        localizer.fit(truth, feature, sequences(60, of=3))
        fitted = localizer.uncertainty.fit
        fitted(truth, feature, sequences(60, of=3), localizer.model.frame.scale_m)
        localizer.calibrate(Sample(query(50, torch.randn(50, 8, 2, 2)), random_poses(50, seed=4)))
        return localizer.state_dict()

    asked = []
    original = RetrievalDatabase.compared

    def compared(self, feature, hint, count):
        asked.append(len(feature))
        return original(self, feature, hint, count)

    whole = calibrated(1000)
    monkeypatch.setattr(RetrievalDatabase, "compared", compared)
    parts = calibrated(16)
    assert max(asked) == 16
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-3, atol=1e-5, msg=name)
