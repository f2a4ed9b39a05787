"""Answers from a map and priors, by a network that was not trained."""

import math

import pytest
import torch
from flown_ground import colours
from ground import LEVEL_M, K, cameras, ground, rendered, texture
from poses import query

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.joint_fit import fit_joint_weights, likeliest_weights
from hinted_posenet.inference.map_refinement import MapRefined, MapRefinement
from hinted_posenet.inference.sigma_fit import widened
from hinted_posenet.models.registration.map_registration import MapRegistration

OVER = ground(colours()[:2])
SIGMA = torch.tensor([4.0] * 3 + [math.radians(1.5)] * 3).double()
TEST = cameras(4, seed=51, reach_m=40.0)


def asked(pose: Pose, over=OVER, photo: int = 0, camera=K) -> Query:
    """Queries whose images are uint8, as those of whole splits."""
    views = rendered(over, pose, camera, photo)
    image = (views.image * 255).round().to(torch.uint8)
    return query(len(pose.t), torch.zeros(len(pose.t), 8, 2, 2))._replace(image=image, K=views.K)


def off(pose: Pose, seed: int, sigmas: float = 1.0) -> Hint:
    """Hints that are off by about as many sigmas."""
    noise = torch.randn(len(pose.t), 6, generator=torch.Generator().manual_seed(seed)).double()
    there = moved(Pose(pose.t.double(), pose.q.double()), sigmas * SIGMA * noise)
    return Hint(there, SIGMA.square().diag().expand(len(pose.t), 6, 6))


def error_m(refined: MapRefined, truth: Pose) -> torch.Tensor:
    return (refined.answer.pose.t - truth.t).norm(dim=1)


@pytest.fixture(scope="module")
def refinement() -> MapRefinement:
    torch.manual_seed(0)
    registration = MapRegistration()
    registration._opened = (OVER,)
    train = cameras(60, seed=9)
    registration.cameras.fit(train, train.t[:, 2] - LEVEL_M)
    found = MapRefinement(registration)
    truth = cameras(10, seed=60, reach_m=40.0)
    images = asked(truth)

    def read(row: int) -> Query:
        views = rendered(OVER, Pose(truth.t[row : row + 1], truth.q[row : row + 1]))
        return query(1)._replace(image=views.image, K=views.K)

    found.fit(read, truth, torch.zeros(10, dtype=torch.int64))
    found.calibrate(images, off(truth, 1), truth)
    return found


def test_a_map_sharpens_vague_priors_and_says_how_far(refinement):
    prior = off(TEST, 2)
    refined = refinement(asked(TEST), prior, prior)
    error = offset(refined.answer.pose, Pose(TEST.t.double(), TEST.q.double()))
    assert refined.found.all()
    assert not refined.contradicted.any()
    assert (
        error_m(refined, TEST).max() < 1.0 < (prior.pose.t - TEST.t).norm(dim=1).quantile(0.5) / 3
    )
    nees = error.unsqueeze(1) @ torch.linalg.solve(refined.answer.covariance, error.unsqueeze(2))
    assert nees.max() < 30
    assert (refined.answer.sigma_t_m < 3).all()


def test_sigmas_that_hold_the_large_errors_do_not_draw_the_pose_to_the_prior(refinement):
    prior = off(TEST, 2)
    plain = refinement(asked(TEST), prior, prior)
    kept = refinement.weights.clone()
    refinement.weights.mul_(5)
    careful = refinement(asked(TEST), prior, prior)
    refinement.weights.copy_(kept)
    torch.testing.assert_close(careful.answer.pose, plain.answer.pose)
    assert (careful.answer.sigma_t_m > 1.2 * plain.answer.sigma_t_m).all()
    assert (careful.image.sigma_t_m > 4 * plain.image.sigma_t_m).all()


def test_probes_are_registered_without_the_photo_that_they_are_of(refinement):
    assert len(refinement.probe_error) == len(refinement.probe_right) > 5
    # photos of two dates differ more than an image and its own photo
    own = refinement._allowed("frame-0")
    assert own is None
    refinement.left_out = {"frame-0": "date 0"}
    assert refinement._allowed("frame-0").tolist() == [False, True]
    assert refinement._allowed("frame-1") is None
    refinement.left_out = {}


def test_a_prior_sharper_than_the_map_decides(refinement):
    sharp = Hint.isotropic(TEST, torch.tensor(0.003), torch.tensor(1e-4))
    refined = refinement(asked(TEST), sharp, sharp)
    assert error_m(refined, TEST).max() < 0.02
    assert not refined.contradicted.any()


def test_a_wrong_height_is_contradicted_and_left_out(refinement):
    truth = cameras(1, seed=52, reach_m=40.0)
    wrong = Hint.isotropic(
        truth._replace(t=truth.t + torch.tensor([0.0, 0.0, 9.0])),
        torch.tensor(1.5),
        torch.tensor(0.02),
    )
    refined = refinement(asked(truth), wrong, wrong)
    assert refined.found.all() and refined.contradicted.all()
    assert error_m(refined, truth) < 3.0


def test_an_image_of_another_place_is_answered_by_the_fallback(refinement):
    other = ground(texture(1, seed=77))
    prior, fallback = off(TEST, 3), off(TEST, 4)
    refined = refinement(asked(TEST, other), prior, fallback)
    assert not refined.found.any()
    assert torch.equal(refined.answer.pose.t, fallback.pose.t)
    assert torch.equal(refined.answer.covariance, fallback.covariance)


def test_without_an_image_or_a_fallback_known_in_all_parts(refinement):
    nothing = no_hint(torch.zeros(4, 1))
    place = Hint.isotropic(TEST, torch.tensor(4.0), torch.tensor(torch.inf))
    blank = query(4)
    assert not refinement(blank, place, place).found.any()
    elsewhere = asked(TEST, ground(texture(1, seed=77)))
    refined = refinement(elsewhere, place, nothing)
    assert refined.answer.covariance.isfinite().all()
    assert (refined.answer.pose.t[:, :2] - TEST.t[:, :2]).abs().max() < 0.5


def test_each_image_has_its_own_camera_and_no_answer_depends_on_the_others(refinement):
    wide = K.clone()
    wide[:2, :2] *= 0.7
    prior = off(TEST, 2)
    one, other = asked(TEST), asked(TEST, camera=wide)
    both = one._replace(
        image=torch.cat([one.image[:2], other.image[2:]]), K=torch.cat([one.K[:2], other.K[2:]])
    )
    refined = refinement(both, prior, prior)
    assert error_m(refined, TEST).max() < 2.0
    for row in (0, 3):
        alone = refinement(
            both._replace(image=both.image[row : row + 1], K=both.K[row : row + 1]),
            Hint(
                Pose(*(part[row : row + 1] for part in prior.pose)), prior.covariance[row : row + 1]
            ),
            Hint(
                Pose(*(part[row : row + 1] for part in prior.pose)), prior.covariance[row : row + 1]
            ),
        )
        assert torch.equal(alone.answer.pose.t[0], refined.answer.pose.t[row])


def test_a_position_without_rotation_is_enough(refinement):
    place = Hint.isotropic(off(TEST, 2).pose, torch.tensor(4.0).double(), torch.tensor(torch.inf))
    refined = refinement(asked(TEST), place, place)
    assert refined.found.any()  # the search of an untrained network does not always succeed
    assert error_m(refined, TEST)[refined.found].max() < 2.0


def test_what_is_known_together_stays_known_in_a_joint_fit():
    generator = torch.Generator().manual_seed(0)
    L = torch.eye(6).double()
    L[0, 4], L[1, 3] = 140.0, -140.0  # a tilt moves the camera over the ground that it sees
    stated = L @ torch.diag(torch.tensor([0.1, 0.1, 0.3, 0.02, 0.02, 0.01]).double() ** 2) @ L.mT
    shape = torch.linalg.cholesky(stated)
    noise = torch.randn(200, 6, 1, generator=generator, dtype=torch.float64)
    error = 3 * (shape @ noise)[..., 0]
    error[:, :2] += 0.5 * torch.randn(200, 2, generator=generator, dtype=torch.float64)
    many = stated.expand(200, 6, 6)
    weights = fit_joint_weights(error, many, torch.ones_like(error))
    assert torch.equal(weights[:, 0], weights[:1, 0].expand(3))
    fitted = widened(many, torch.ones_like(error), weights.to(many).expand(200, -1, -1))
    nees = (error.unsqueeze(1) @ torch.linalg.solve(fitted, error.unsqueeze(2))).flatten()
    assert 0.93 <= float((nees < 12.59).double().mean()) <= 0.97
    assert 0.2 < float(weights[0, 1]) < 1.5


def test_a_few_large_errors_widen_what_is_stated_and_not_what_a_pose_is_weighed_by():
    generator = torch.Generator().manual_seed(0)
    error = torch.randn(300, 6, generator=generator, dtype=torch.float64)
    ones, many = torch.ones_like(error), torch.eye(6).double().expand(300, 6, 6)
    error[:30] *= 8
    likeliest = likeliest_weights(error, many, ones)
    held = fit_joint_weights(error, many, ones)
    assert 0.7 < float(likeliest[0, 0]) < 1.6
    assert float(held[0, 0]) > 2 * float(likeliest[0, 0])


def test_parts_of_a_checkpoint_that_do_not_belong_together(refinement):
    refinement.check()
    kept = refinement.probe_right
    refinement.probe_right = kept[1:]
    with pytest.raises(InputError, match="does not belong together"):
        refinement.check()
    refinement.probe_right = kept
