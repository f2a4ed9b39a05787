"""The landmarks of a training set."""

from pathlib import Path

import pytest
import torch
from landmark_world import World, camera, cameras, observed, random, views, wall
from torch import Tensor

from hinted_posenet.core.types import LocalFeatures, Pose
from hinted_posenet.models.landmarks import map_blocks
from hinted_posenet.models.landmarks.landmark_map import LandmarkMap, Landmarks
from hinted_posenet.models.landmarks.matchers import Matches, MutualMatcher

WORLD, POSES = wall(), cameras(12)


class Counting(MutualMatcher):
    """Counts matches; stops, as a killed process does, after some."""

    def __init__(self, stop: int = 10**6):
        super().__init__(0.5)
        self.made: list[None] = []
        self.stop = [stop]  # no plain attribute, so no part of the key

    def match(
        self, first: LocalFeatures, second: LocalFeatures, allowed: Tensor | None = None
    ) -> Matches:
        if len(self.made) in self.stop:
            raise KeyboardInterrupt
        self.made.append(None)
        return super().match(first, second, allowed)


def fitted(
    poses: Pose, local: list[LocalFeatures], neighbours: int = 4, spacing: float = 0.0
) -> LandmarkMap:
    found = LandmarkMap(neighbours, spacing)
    found.fit(poses, local, MutualMatcher(0.5))
    return found


@pytest.fixture(scope="module")
def local() -> list[LocalFeatures]:
    return views(WORLD, POSES)


@pytest.fixture(scope="module")
def built(local: list[LocalFeatures]) -> LandmarkMap:
    return fitted(POSES, local)


def marks_of(built: LandmarkMap) -> Landmarks:
    return built.of_images(torch.arange(len(built.row)))


def test_landmarks_are_at_the_points_that_look_like_them(built):
    looks = marks_of(built).descriptor.float() @ WORLD.descriptor.T
    off_m = (built.point_m - WORLD.point_m[looks.argmax(dim=1)]).norm(dim=1)
    assert len(built.point_m) > 100 * len(POSES.t)
    assert off_m.quantile(0.5) < 0.02
    assert (off_m < 0.2).double().mean() > 0.98  # one feature in ten looks like another point


def test_landmarks_are_features_of_their_image(built, local):
    for place in (0, 5, 11):
        marks = built.of_images(torch.tensor([place]))
        own = local[place]
        rows = torch.cdist(marks.ray, own.ray).argmin(dim=1)
        assert torch.equal(own.ray[rows], marks.ray)
        torch.testing.assert_close(own.descriptor[rows], marks.descriptor, rtol=0, atol=0.003)
        assert (marks.image == place).all()


def test_landmarks_of_several_images_come_in_the_order_asked(built):
    both = built.of_images(torch.tensor([7, 2]))
    alone = [built.of_images(torch.tensor([place])) for place in (7, 2)]
    for part, first, second in zip(both, *alone, strict=True):
        assert torch.equal(part, torch.cat([first, second]))
    assert len(built.of_images(torch.empty(0, dtype=torch.int64)).point_m) == 0


def test_far_from_the_origin_points_are_as_good():
    about_m = 1e4
    world, poses = wall(about_m=about_m), cameras(12, about_m=about_m)
    built = fitted(poses, views(world, poses))
    looks = marks_of(built).descriptor.float() @ world.descriptor.T
    off_m = (built.point_m.double() - world.point_m[looks.argmax(dim=1)]).norm(dim=1)
    assert len(built.point_m) > 100 * len(poses.t)
    assert off_m.quantile(0.5) < 0.02
    assert float(built.depth_m) == pytest.approx(4.2, abs=0.5)


def test_cameras_at_one_place_give_no_landmarks():
    poses = Pose(torch.zeros_like(POSES.t), POSES.q)
    built = fitted(poses, views(WORLD, poses))
    assert len(built.point_m) == 0
    assert built.start.tolist() == [0] * (len(built.row) + 1)


@pytest.mark.parametrize("count", [1, 2])
def test_the_fewest_images(count):
    poses = Pose(POSES.t[4 : 4 + count], POSES.q[4 : 4 + count])
    built = fitted(poses, views(WORLD, poses))
    assert built.row.tolist() == list(range(count))
    assert (len(built.point_m) > 100) == (count == 2)


def test_images_without_features_have_no_landmarks(local):
    empty = observed(World(WORLD.point_m[:0], WORLD.descriptor[:0]), camera(POSES, 3))
    built = fitted(POSES, [*local[:3], empty, *local[4:]])
    counts = built.start.diff()
    assert counts[3] == 0
    assert (counts[[0, 1, 2, 4, 5]] > 50).all()


def test_spacing_keeps_fewer_images(local):
    sparse = fitted(POSES, local, spacing=0.2)
    assert 2 < len(sparse.row) < len(POSES.t)
    assert torch.equal(sparse.t_m, POSES.t[sparse.row].float())
    assert len(sparse.start) == len(sparse.row) + 1
    assert int(sparse.start[-1]) == len(sparse.point_m)
    whole = fitted(POSES, local)
    for place, row in enumerate(sparse.row.tolist()):
        ours, theirs = sparse.of_images(torch.tensor([place])), whole.of_images(torch.tensor([row]))
        assert torch.equal(ours.point_m, theirs.point_m)
        assert torch.equal(ours.ray, theirs.ray)


@pytest.fixture
def blocks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hinted_posenet.models.landmarks.landmark_map.BLOCK", 4)


def all_matches(local: list[LocalFeatures], folder: Path | None) -> int:
    counting = Counting()
    LandmarkMap(4, 0.0).fit(POSES, local, counting, folder)
    return len(counting.made)


def test_an_interrupted_fit_goes_on(local, built, blocks_of_four, tmp_path):
    for_depth = 12 * 4
    stopped = Counting(stop=for_depth + 5 * 4)  # in the second block of 4 images
    with pytest.raises(KeyboardInterrupt):
        LandmarkMap(4, 0.0).fit(POSES, local, stopped, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    counting, resumed = Counting(), LandmarkMap(4, 0.0)
    resumed.fit(POSES, local, counting, tmp_path)
    assert len(counting.made) == for_depth + 8 * 4
    whole = built.state_dict()
    for name, value in resumed.state_dict().items():
        assert name == "build_s" or torch.equal(value, whole[name]), name


def test_a_damaged_block_is_made_anew(local, built, blocks_of_four, tmp_path):
    everything = all_matches(local, tmp_path)
    file = min(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:1000])
    assert all_matches(local, tmp_path) == everything - 2 * 4 * 4
    assert all_matches(local, tmp_path) == everything - 3 * 4 * 4


def test_blocks_of_other_features_or_settings_are_not_taken(local, blocks_of_four, tmp_path):
    everything = all_matches(local, tmp_path)
    moved = Pose(POSES.t + 1e-6 * random(12, 3, seed=1), POSES.q)
    other = LandmarkMap(4, 0.0)
    for poses, features, matcher in (
        (moved, local, Counting()),
        (POSES, views(WORLD, POSES, noise_px=0.4), Counting()),
    ):
        other.fit(poses, features, matcher, tmp_path)
        assert len(matcher.made) == everything
    strict = Counting()
    strict.min_similarity = 0.6
    other.fit(POSES, local, strict, tmp_path)
    assert len(strict.made) == everything
    few = Counting()
    LandmarkMap(3, 0.0).fit(POSES, local, few, tmp_path)
    assert len(few.made) == 2 * 12 * 3


def test_a_key_tells_descriptors_apart(local):
    looks = local[3].descriptor.clone()
    looks[0, 0] += 0.01
    changed = [*local[:3], local[3]._replace(descriptor=looks), *local[4:]]
    keys = {
        map_blocks.fit_key(POSES, features, MutualMatcher(), "") for features in (local, changed)
    }
    assert len(keys) == 2
