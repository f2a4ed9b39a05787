"""Answers from landmarks and priors."""

import math
from typing import NamedTuple

import pytest
import torch
from landmark_world import appearance, camera, cameras, localizer, observed, random, views, wall
from poses import query
from torch import Tensor

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.types import Hint, LocalFeatures, Pose, Query
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.belief import contradicts
from hinted_posenet.inference.refinement import LandmarkRefinement

WORLD = wall()
TEST = cameras(6, seed=50)
ELSEWHERE = wall(seed=70)
SIGMA = (0.05, math.radians(1.0))
SIX = torch.tensor([SIGMA[0]] * 3 + [SIGMA[1]] * 3).double()


class Asked(NamedTuple):
    query: Query
    feature: Tensor
    truth: Pose


def asked(truth: Pose, world=WORLD, seed: int = 100) -> Asked:
    local = [observed(world, camera(truth, i), seed + i, 0.5, 0.1) for i in range(len(truth.t))]
    batch = LocalFeatures(*(torch.stack(part) for part in zip(*local, strict=True)))
    feature = appearance(truth)
    return Asked(query(len(truth.t), feature)._replace(local=batch), feature, truth)


@pytest.fixture(scope="module")
def refinement() -> LandmarkRefinement:
    found = LandmarkRefinement(localizer(WORLD, cameras(12)))
    found.calibrate(*asked(cameras(40, seed=60), seed=200))
    return found


def hint(pose: Pose, dtype: torch.dtype = torch.float64) -> Hint:
    sigmas = (torch.tensor(sigma, dtype=dtype) for sigma in SIGMA)
    return Hint.isotropic(Pose(*(part.to(dtype) for part in pose)), *sigmas)


def rows(asked: Asked, row: int, times: int) -> Asked:
    """The same query several times."""
    local = LocalFeatures(
        *(part[row : row + 1].expand(times, *part.shape[1:]) for part in asked.query.local)
    )
    feature = asked.feature[row : row + 1].expand(times, *asked.feature.shape[1:])
    truth = Pose(*(part[row : row + 1].expand(times, -1) for part in asked.truth))
    return Asked(query(times, feature)._replace(local=local), feature, truth)


def test_landmarks_sharpen_a_vague_prior_and_are_calibrated(refinement):
    found = asked(cameras(60, seed=90), seed=300)
    prior = hint(moved(found.truth, SIX * random(60, 6, seed=1)))
    refined = refinement(found.query, found.feature, prior, prior)
    error = offset(refined.answer.pose, Pose(found.truth.t.float(), found.truth.q.float()))
    assert (refined.inliers > 25).all()
    assert refined.guided.double().mean() > 0.9
    assert error[:, :3].norm(dim=1).quantile(0.5) < 0.02
    within = error[:, :3].norm(dim=1) < 2.5 * refined.answer.sigma_t_m  # 90 % of a Gaussian
    assert 0.75 < within.double().mean() <= 1
    assert (refined.answer.sigma_t_m < SIGMA[0]).all()


def test_a_prior_sharper_than_landmarks_decides(refinement):
    found = asked(TEST)
    sharp = Hint.isotropic(found.truth, torch.tensor(1e-5).double(), torch.tensor(1e-6).double())
    refined = refinement(found.query, found.feature, sharp, sharp)
    error = offset(refined.answer.pose, Pose(found.truth.t.float(), found.truth.q.float()))
    assert error.abs().max() < 2e-4
    assert not refined.contradicted.any()


def test_wrong_priors_are_recognised_and_right_ones_are_not(refinement):
    times = 100
    found = rows(asked(TEST), 2, times)
    ways = torch.nn.functional.normalize(random(times, 6, seed=7), dim=1)
    for motion, least, most in ((5 * SIX * ways, 95, 100), (SIX * random(times, 6, seed=8), 0, 3)):
        prior = hint(moved(found.truth, motion))
        refined = refinement(found.query, found.feature, prior, prior)
        assert least <= int(refined.contradicted.sum()) <= most
        left_out = refined.contradicted
        error = offset(refined.answer.pose, Pose(found.truth.t.float(), found.truth.q.float()))
        assert (error[left_out][:, :3].norm(dim=1) < 0.03).all()


def test_where_nothing_is_known_the_fallback_is_given_back(refinement):
    other = asked(TEST, ELSEWHERE)
    fallback = hint(moved(TEST, SIX * random(6, 6, seed=3)), torch.float32)
    fallback = fallback._replace(covariance=fallback.covariance * torch.tensor(1.7))
    for prior in (fallback, no_hint(other.feature)):
        refined = refinement(other.query, other.feature, prior, fallback)
        assert torch.equal(refined.answer.pose.t, fallback.pose.t)
        assert torch.equal(refined.answer.pose.q, fallback.pose.q)
        assert torch.equal(refined.answer.covariance, fallback.covariance)
        assert refined.inliers.tolist() == [0] * 6
        assert not refined.contradicted.any()


def test_queries_without_features_give_the_fallback(refinement):
    found, fallback = asked(TEST), hint(TEST, torch.float32)
    empty = LocalFeatures(*(part[:, :0] for part in found.query.local[:3]), found.query.local[3])
    blank = LocalFeatures(*(0 * part for part in found.query.local[:3]), found.query.local[3])
    for local in (empty, blank):
        refined = refinement(found.query._replace(local=local), found.feature, fallback, fallback)
        assert torch.equal(refined.answer.pose.t, fallback.pose.t)
        assert not refined.inliers.any()


def test_a_batch_in_float32_is_as_its_queries(refinement):
    found = asked(TEST)
    prior = hint(moved(TEST, SIX * random(6, 6, seed=3)), torch.float32)
    batch = refinement(found.query, found.feature, prior, prior)
    assert batch.answer.pose.t.dtype == batch.answer.covariance.dtype == torch.float32
    for row in (0, 4):
        one = rows(found, row, 1)
        own = Hint(
            Pose(*(part[row : row + 1] for part in prior.pose)), prior.covariance[row : row + 1]
        )
        alone = refinement(one.query, one.feature, own, own)
        assert torch.equal(alone.answer.pose.t[0], batch.answer.pose.t[row])
        assert torch.equal(alone.answer.covariance[0], batch.answer.covariance[row])


def test_a_prior_of_the_position_alone_leaves_the_rotation_to_the_image(refinement):
    found = asked(TEST)
    place = Hint.isotropic(
        Pose(TEST.t, torch.tensor([1.0, 0, 0, 0]).double().expand(6, 4)),
        torch.tensor(0.01).double(),
        torch.tensor(torch.inf).double(),
    )
    refined = refinement(found.query, found.feature, place, place)
    error = offset(refined.answer.pose, Pose(TEST.t.float(), TEST.q.float()))
    assert error[:, 3:].norm(dim=1).max() < 0.01
    assert error[:, :3].norm(dim=1).max() < 0.012
    assert not refined.contradicted.any()
    assert refined.answer.covariance.isfinite().all()


@pytest.mark.parametrize("axes", [[0, 1, 2], [0], [3, 4, 5]])
def test_only_what_a_prior_knows_can_contradict(axes):
    at = Pose(torch.zeros(3).double(), torch.tensor([1.0, 0, 0, 0]).double())
    belief = Hint(at, 1e-4 * torch.eye(6).double())
    variance = torch.full((6,), torch.inf).double()
    variance[axes] = 1e-4
    for axis in range(6):
        step = torch.zeros(6).double()
        step[axis] = 0.1
        expected = axis in axes
        assert contradicts(belief, Hint(moved(at, step), variance.diag())) == expected
    assert not contradicts(
        belief, Hint(moved(at, torch.full((6,), 0.01).double()), variance.diag())
    )


def test_training_images_are_located_without_their_own_sequence(tmp_path):
    poses = cameras(12)
    sequence = torch.arange(12) // 4
    found = LandmarkRefinement(localizer(WORLD, poses))
    local = views(WORLD, poses)
    found.fit(poses, appearance(poses), local, sequence, tmp_path / "landmarks")
    assert len(list((tmp_path / "landmarks").iterdir())) == 1
    assert 6 <= len(found.probe_error) <= 12
    assert len(found.probe_covariance) == len(found.probe_error)
    assert found.probe_error[:, :3].norm(dim=1).quantile(0.5) < 0.03
    # with its own landmarks, some of which have the very noise of its features, it is nearer
    own = [found.landmarks.locate(appearance(poses)[i : i + 1], local[i], None) for i in range(12)]
    own_m = torch.stack([(view.solved.pose.t - poses.t[i]).norm() for i, view in enumerate(own)])
    assert own_m.quantile(0.5) < found.probe_error[:, :3].norm(dim=1).quantile(0.5)


def test_few_validation_images_are_better_than_what_matches_state():
    plain = LandmarkRefinement(localizer(WORLD, cameras(12)))
    before = plain.weights.clone()
    query, feature, truth = asked(TEST)
    off = truth._replace(t=truth.t + torch.tensor([0.1, 0.0, 0.0]))  # as labels may be
    plain.calibrate(query, feature, off)
    assert (plain.weights[:2] > before[:2]).any()
    wide = plain(query, feature, no_hint(feature), no_hint(feature)).answer
    assert (wide.sigma_t_m > 0.02).all()


def test_images_without_landmarks_calibrate_nothing():
    plain = LandmarkRefinement(localizer(WORLD, cameras(12)))
    before = plain.weights.clone()
    query, feature, truth = asked(TEST)
    blank = query.local._replace(score=torch.zeros_like(query.local.score))
    plain.calibrate(query._replace(local=blank), feature, truth)
    assert torch.equal(plain.weights, before)
    assert plain.certain_t_m.isinf()
