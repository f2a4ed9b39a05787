"""Where an image was taken, by its landmarks, with and without a prior."""

import math

import pytest
import torch
from landmark_world import MOST, appearance, camera, cameras, localizer, observed, random, wall

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.types import Hint, LocalFeatures, Pose
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer, View

WORLD, POSES = wall(), cameras(12)
QUERIES = cameras(7, seed=50)
ELSEWHERE = wall(seed=70)  # other points that look otherwise
SHARP = (0.05, math.radians(1.0))
NEAR = (0.03, 0.01)  # metres and radians that an answer may be off


@pytest.fixture(scope="module")
def known() -> LandmarkLocalizer:
    return localizer(WORLD, POSES)


def seen(row: int, noise_px: float = 0.5, wrong: float = 0.1) -> LocalFeatures:
    return observed(WORLD, camera(QUERIES, row), 100 + row, noise_px, wrong)


def look(row: int) -> torch.Tensor:
    return appearance(QUERIES)[row : row + 1]


def prior(pose: Pose, sigma_t_m: float, sigma_r_rad: float) -> Hint:
    return Hint.from_pose(pose, sigma_t_m, math.degrees(sigma_r_rad))


def off(view: View | None, row: int) -> torch.Tensor:
    assert view is not None
    return offset(view.solved.pose, camera(QUERIES, row))


@pytest.mark.parametrize("row", range(7))
def test_queries_are_located_without_a_prior(known, row):
    view = known.locate(look(row), seen(row), None)
    error = off(view, row)
    assert error[:3].norm() < NEAR[0]
    assert error[3:].norm() < NEAR[1]
    assert not view.guided
    assert int(view.solved.inlier.sum()) > 40
    assert view.candidates > 200


def test_exact_features_give_the_exact_pose():
    exact = localizer(WORLD, POSES, noise_px=0.0, wrong=0.0)
    view = exact.locate(look(3), seen(3, noise_px=0.0, wrong=0.0), None)
    assert off(view, 3).abs().max() < 1e-3


@pytest.mark.parametrize("row", range(7))
def test_a_right_sharp_prior_guides_to_the_same_pose(known, row):
    truth = camera(QUERIES, row)
    step = torch.tensor([0.05, 0.05, 0.05, 0.017, 0.017, 0.017]).double()
    near = moved(truth, step * random(6, seed=row))
    guided = known.locate(look(row), seen(row), prior(near, *SHARP))
    free = known.locate(look(row), seen(row), None)
    assert guided.guided
    apart = offset(guided.solved.pose, free.solved.pose)
    assert apart[:3].norm() < NEAR[0]
    assert apart[3:].norm() < NEAR[1]
    assert off(guided, row)[:3].norm() < NEAR[0]


def test_a_prior_far_from_the_truth_does_not_lead_astray(known):
    far = moved(camera(QUERIES, 3), torch.tensor([1.0, 0.5, 0, 0, 0.3, 0]).double())
    view = known.locate(look(3), seen(3), prior(far, *SHARP))
    assert off(view, 3)[:3].norm() < NEAR[0]


def test_a_prior_of_the_position_alone_chooses_images(known):
    """All images look alike, so that only the prior tells where to look."""
    alike = torch.ones_like(look(0))
    few = localizer(WORLD, POSES, candidates=1)
    few.memory.fit(POSES, alike.expand(12, *alike.shape[1:]))
    for row in (0, 6):  # at both ends of the walk
        place = Hint.from_position(QUERIES.t[row], 0.2)
        view = few.locate(alike, seen(row), place)
        assert off(view, row)[:3].norm() < NEAR[0]
        assert not view.guided
        nearest = int((POSES.t - QUERIES.t[row]).norm(dim=1).argmin())
        assert view.candidates == int(few.map.start.diff()[nearest])


def test_landmarks_of_images_that_are_not_allowed_are_not_used(known):
    allowed = torch.arange(12) % 3 == 0
    for given in (None, prior(camera(QUERIES, 3), *SHARP)):
        view = known.locate(look(3), seen(3), given, allowed)
        assert off(view, 3)[:3].norm() < NEAR[0]
        assert 0 < view.candidates <= int(known.map.start.diff()[allowed].sum())
        assert known.locate(look(3), seen(3), given, torch.zeros(12, dtype=torch.bool)) is None


def test_another_room_is_not_located(known):
    for row in range(7):
        other = observed(ELSEWHERE, camera(QUERIES, row), row, 0.5)
        assert known.locate(look(row), other, None) is None
        assert known.locate(look(row), other, prior(camera(QUERIES, row), *SHARP)) is None


def test_nothing_seen_is_not_located(known):
    blank = LocalFeatures(*(torch.zeros_like(part) for part in seen(0)[:3]), seen(0).focal_px)
    right = prior(camera(QUERIES, 0), *SHARP)
    assert known.locate(look(0), blank, None) is None
    assert known.locate(look(0), blank, right) is None


def test_a_map_without_landmarks_locates_nothing():
    poses = Pose(torch.zeros_like(POSES.t), POSES.q)
    empty = localizer(WORLD, poses)
    assert len(empty.map.point_m) == 0
    assert empty.locate(look(0), seen(0), None) is None
    assert empty.locate(look(0), seen(0), prior(camera(QUERIES, 0), *SHARP)) is None


def test_more_candidates_than_images_are_all_of_them(known):
    many = localizer(WORLD, POSES, candidates=100)
    view = many.locate(look(3), seen(3), None)
    assert view.candidates == len(many.map.point_m)
    assert off(view, 3)[:3].norm() < NEAR[0]


def test_the_best_features_are_taken(known):
    """The first rows are the best ones; what is in the others does not matter."""
    features = seen(3, wrong=0.0)
    junk = torch.arange(MOST) >= 120
    features = features._replace(ray=torch.where(junk[:, None], 0.1, features.ray))
    few = LandmarkLocalizer(known.features, known.matcher, 4, 0.0, 5, 120, 1000)
    few.map, few.memory = known.map, known.memory
    assert off(few.locate(look(3), features, None), 3)[:3].norm() < NEAR[0]


def test_what_results_say_about_the_map(known):
    about = known.about()
    assert about["images"] == 12
    assert about["landmarks"] == len(known.map.point_m) == int(known.map.start[-1])
    part = known.map.descriptor
    assert about["megabytes"] > part.numel() * part.element_size() / 1e6
    assert about["build_s"] > 0
