"""What every source of first hints must keep to, and the small ones by themselves."""

import pytest
import torch
from poses import INF, hints, query, random_poses, sequences

from hinted_posenet.core.geometry import mean_quaternion, rotation_angle
from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.hints.prior import OracleHint, PriorHint
from hinted_posenet.hints.retrieval import NearestHint, RetrievalHint
from hinted_posenet.hints.trivial import ConstantHint, NoHint


@pytest.mark.parametrize(
    "source",
    [NoHint(), ConstantHint(), RetrievalHint(), PriorHint()],
    ids=lambda s: type(s).__name__,
)
def test_labels_change_no_query_of_a_source_that_is_no_oracle(source):
    asked = query(4, prior=hints(random_poses(4, seed=2), 2.0, 0.3))
    for seed in (0, 1):
        assert source.query_of(Sample(asked, random_poses(4, seed))) is asked
    assert not source.oracle
    assert source.gives_hints is not isinstance(source, NoHint)


def test_an_oracle_reads_the_label_before_inference_alone():
    asked, truth = query(4), random_poses(4)
    source = OracleHint(0.1, 1.0, seed=0)
    assert source.oracle
    read = source.query_of(Sample(asked, truth))
    assert (read.prior.pose.t - truth.t).norm(dim=-1).max() < 1.0
    assert source.at_inference(read, read.feature) is read.prior
    assert torch.equal(read.feature, asked.feature)


def test_constant_is_the_median_position_and_the_mean_rotation():
    truth = random_poses(301)
    source = ConstantHint()
    source.fit(truth, torch.empty(301, 1), sequences(301))
    hint = source.at_inference(query(4), torch.empty(4, 1))
    torch.testing.assert_close(hint.pose.t, truth.t.median(dim=0).values.expand(4, 3))
    assert hint.pose.q.shape == (4, 4)
    # its sigma says how far the poses lie around it, in each axis
    assert hint.sigma_t_m[0].item() == pytest.approx(truth.t.std().item(), rel=0.2)
    assert rotation_angle(hint.pose.q, mean_quaternion(truth.q)).max() < 1e-5


def test_prior_passes_on_what_the_sensor_said():
    prior = hints(random_poses(5), 2.0, 0.3)
    given = query(5, prior=prior)
    assert PriorHint().at_inference(given, given.feature) is prior


def test_oracle_senses_the_truth_with_the_stated_noise():
    truth = random_poses(5000)
    source = OracleHint(sigma_t_m=0.5, sigma_r_deg=2.0, seed=3)
    hint = source.simulate_reading(truth)
    assert (hint.pose.t - truth.t).std().item() == pytest.approx(0.5, rel=0.05)
    angle = rotation_angle(hint.pose.q, truth.q).rad2deg()
    assert angle.square().mean().sqrt().item() == pytest.approx(2.0 * 3**0.5, rel=0.05)
    assert torch.equal(hint.pose.t, source.simulate_reading(truth).pose.t)
    assert hint.sigma_t_m.unique().item() == pytest.approx(0.5)


def test_no_hint_is_infinite_sigma_for_each_row():
    hint = NoHint().at_inference(query(3), torch.empty(3, 8, 2, 2))
    assert hint.sigma_t_m.tolist() == hint.sigma_r_rad.tolist() == [INF] * 3
    assert hint.pose.t.shape == (3, 3)
    assert hint.pose.q.shape == (3, 4)


def test_nearest_is_the_training_camera_that_stood_nearest_and_no_label_at_inference():
    truth = random_poses(301)
    source = NearestHint()
    source.fit(truth, torch.empty(301, 1), sequences(301))
    here = Pose(truth.t[:5] + 1e-3, truth.q[10:15])
    sensed = source.simulate_reading(here)
    assert torch.equal(sensed.pose.t, truth.t[:5])
    assert torch.equal(sensed.pose.q, truth.q[:5])
    source.calibrate(sensed, here)
    hint = source.at_inference(query(5, prior=sensed), torch.empty(5, 1))
    assert hint.sigma_t_m.max() < 0.01
    assert torch.equal(hint.pose.t, sensed.pose.t)


def test_a_sensor_may_know_no_rotation():
    truth = random_poses(50)
    hint = OracleHint(0.5, None, seed=0).simulate_reading(truth)
    assert hint.sigma_r_rad.isinf().all()
    assert hint.pose.q.isfinite().all()
    assert (hint.sigma_t_m == 0.5).all()
