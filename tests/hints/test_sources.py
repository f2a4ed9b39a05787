"""What every source of first hints must keep to, and the small ones by themselves."""

import importlib
import inspect
import pkgutil
import typing

import hinted_posenet.hint
import pytest
import torch
from poses import INF, hints, query, random_poses, sequences
from torch import nn

from hinted_posenet.core.geometry import mean_quaternion, rotation_angle
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.prior import OracleHint, PriorHint
from hinted_posenet.hints.retrieval import NearestHint
from hinted_posenet.hints.trivial import ConstantHint, NoHint


def sources() -> list[type]:
    """Every class of hinted_posenet.hint that gives hints at inference."""
    modules = [
        importlib.import_module(f"hinted_posenet.hint.{module.name}")
        for module in pkgutil.iter_modules(hinted_posenet.hint.__path__)
    ]
    found = {c for module in modules for c in vars(module).values() if inspect.isclass(c)}
    return sorted((c for c in found if hasattr(c, "at_inference")), key=lambda c: c.__name__)


def test_all_sources_are_seen():
    names = {source.__name__ for source in sources()}
    assert {"InferenceHints", "NoHint", "ConstantHint", "RetrievalHint", "NetworkHint"} <= names
    assert {"PriorHint", "OracleHint"} <= names


@pytest.mark.parametrize("source", sources())
def test_no_source_sees_a_label_at_inference_by_type(source):
    types = typing.get_type_hints(source.at_inference)
    assert types == {"query": Query, "feature": torch.Tensor, "return": Hint}
    assert list(inspect.signature(source.at_inference).parameters) == ["self", "query", "feature"]
    # and a Query holds tensors, a sensor's hint and a name: no Pose of its own
    assert set(Query._fields) == {"image", "feature", "K", "prior", "name", "scene"}


@pytest.mark.parametrize("source", [s for s in sources() if issubclass(s, nn.Module)])
def test_only_oracles_are_marked(source):
    assert source.oracle is (source in (OracleHint, NearestHint))


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
