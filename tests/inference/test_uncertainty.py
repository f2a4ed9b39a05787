import logging

import pytest
import torch
from poses import generator, hints, query, random_quaternions, sequences
from tiny import OneConvolution, small_localizer

from hinted_posenet.core.types import Hint, Pose, Sample
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.uncertainty import NONE, OWN, SENSOR_SIZES, SENSORS, Uncertainty
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.posenet import GridPool, PoseNet

SCALE_M = 50.0
CODE = torch.randn(8 * 2 * 2, 40, generator=generator(9))  # how a place looks


def cameras(count: int, seed: int) -> Pose:
    t = SCALE_M * (2 * torch.rand(count, 3, generator=generator(seed)) - 1)
    return Pose(t, random_quaternions(1).expand(count, 4))


def looks(pose: Pose, season: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Features (N, 8, 2, 2) that vary smoothly over the scene; a season adds what no other season has."""
    waves = torch.randn(3, 20, generator=generator(5)) / SCALE_M
    phase = pose.t @ waves
    feature = torch.cat([phase.sin(), phase.cos()], dim=1) @ CODE.T
    other = torch.randn(feature.shape, generator=generator(seed))
    return (feature + season * feature.std() * other).view(-1, 8, 2, 2)


def fitted(count: int = 400) -> Uncertainty:
    uncertainty, truth = Uncertainty(), cameras(count, 1)
    uncertainty.fit(truth, looks(truth), sequences(count, 4), torch.tensor(SCALE_M))
    validation = cameras(200, 2)
    feature = looks(validation)
    uncertainty.calibrate_retrieval(feature, validation)
    near = validation.t + torch.randn(200, 3, generator=generator(3))
    answer = hints(Pose(near, validation.q), 3.0, 0.1)
    uncertainty.calibrate(OWN, answer, uncertainty.compare(feature, no_hint(near)), validation)
    return uncertainty


def asked(uncertainty: Uncertainty, answer: Pose, feature: torch.Tensor) -> Hint:
    seen = uncertainty.compare(feature, no_hint(feature))
    return uncertainty.of_network(hints(answer, 3.0, 0.1), seen, None)


def test_answers_as_good_as_validation_hold_their_claim():
    uncertainty, truth = fitted(), cameras(300, 7)
    near = truth.t + torch.randn(300, 3, generator=generator(8))
    answer = asked(uncertainty, Pose(near, truth.q), looks(truth))
    off = (near - truth.t).unsqueeze(-1)
    nees = (off * torch.linalg.solve(answer.covariance[:, :3, :3], off)).sum(dim=(1, 2))
    assert 0.9 < (nees <= 7.815).float().mean() < 0.99
    assert answer.sigma_t_m.quantile(0.5) < 2.0  # 1 m; the head had stated 3


def test_a_season_that_was_never_seen_is_less_certain():
    uncertainty, truth = fitted(), cameras(100, 7)
    sigmas = [asked(uncertainty, truth, looks(truth, season)).sigma_t_m for season in (0.0, 1.0)]
    assert sigmas[1].quantile(0.5) > 2 * sigmas[0].quantile(0.5)


def test_an_image_of_another_place_is_out_of_the_map():
    uncertainty, truth = fitted(), cameras(100, 7)
    scores = [
        uncertainty.out_of_map(uncertainty.compare(feature, no_hint(feature)))
        for feature in (looks(truth), torch.randn(100, 8, 2, 2, generator=generator(4)))
    ]
    assert scores[0].max() < 1.0
    assert (scores[1] > 1.0).float().mean() > 0.5


def test_weights_of_a_sensor_lie_between_those_of_its_neighbours():
    uncertainty = Uncertainty()
    uncertainty.scale_m.fill_(SCALE_M)
    rows = torch.arange(len(uncertainty.weights), dtype=torch.float32)
    uncertainty.weights.copy_(rows[:, None, None].expand_as(uncertainty.weights))
    pose = cameras(4, 0)
    sigma_t_m = torch.tensor([SCALE_M, SCALE_M / 4, SCALE_M / 8, torch.inf])
    sigma_r_rad = torch.tensor([100.0, 1e-9, 1 / 16, torch.inf])
    found = uncertainty._of_sensor(Hint.isotropic(pose, sigma_t_m, sigma_r_rad))
    last = SENSORS + len(SENSOR_SIZES) - 1
    assert found[:, 0, 0].tolist() == pytest.approx([SENSORS, SENSORS + 1, SENSORS + 1.5, NONE])
    assert found[:, 2, 1].tolist() == pytest.approx([SENSORS, last, SENSORS + 2, NONE])


class CopyHead(Head):
    """Answers with its hint: as good as that, and no better."""

    def forward(self, feature, hint, frame):
        return hint.pose


def calibrated(head: Head, count: int = 400) -> tuple[LocalizerModule, Sample]:
    localizer = LocalizerModule(
        PoseNet(OneConvolution(), GridPool(2), lambda *_: head, 1), PriorHint()
    )
    truth, validation = cameras(count, 1), cameras(200, 2)
    localizer.fit(truth, looks(truth), sequences(count, 4))
    localizer.uncertainty.fit(
        truth, looks(truth), sequences(count, 4), localizer.model.frame.scale_m
    )
    localizer.calibrate(Sample(query(200, looks(validation)), validation))
    test = cameras(200, 3)
    return localizer, Sample(query(200, looks(test)), test)


@pytest.mark.parametrize("sigma_t_m", [0.5, 3.0, 12.0])
def test_a_network_that_copies_its_hint_claims_what_the_hint_claims(sigma_t_m: float):
    localizer, test = calibrated(CopyHead())
    truth = test.T_world_cam
    noisy = truth.t + sigma_t_m * torch.randn(truth.t.shape, generator=generator(6))
    hint = hints(Pose(noisy, truth.q), sigma_t_m, 0.1)
    with torch.no_grad():
        answer = localizer.predict(test.query, hint).answers[-1]
    assert 0.7 < answer.sigma_t_m.quantile(0.5) / sigma_t_m < 1.5


def test_covariances_and_scores_are_part_of_the_state():
    localizer, test = calibrated(CopyHead())
    other, _ = calibrated(CopyHead())
    with torch.no_grad():
        before = localizer.predict(test.query)
        other.uncertainty.weights.zero_()
        other.load_state_dict(localizer.state_dict())
        after = other.predict(test.query)
    assert torch.equal(before.answers[-1].covariance, after.answers[-1].covariance)
    assert torch.equal(before.out_of_map, after.out_of_map)
    assert torch.equal(other.uncertainty.certain_t_m, localizer.uncertainty.certain_t_m)


def test_few_validation_images_are_warned_about(caplog):
    localizer = small_localizer("plain").eval()
    truth = cameras(40, 1)
    localizer.fit(truth, looks(truth), sequences(40))
    localizer.uncertainty.fit(truth, looks(truth), sequences(40), torch.tensor(SCALE_M))
    few = cameras(3, 2)
    with caplog.at_level(logging.WARNING):
        localizer.calibrate(Sample(query(3, looks(few)), few))
    assert "3 validation images are too few" in caplog.text
    with torch.no_grad():
        answer = localizer.predict(query(3, looks(few))).answers[-1]
    assert torch.linalg.eigvalsh(answer.covariance.double()).min() > 0
