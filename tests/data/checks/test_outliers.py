"""Positions and flips: what is wrong is named, and nothing else."""

import numpy as np
import pytest
from walks import scene_of, views_of, walk

from hinted_posenet.core.types import Pose
from hinted_posenet.data.checks.checked_scene import FAULTS
from hinted_posenet.data.checks.outliers import check_flips, check_positions


def flagged(check, views) -> set[int]:
    """Numbers of the frames that a check finds fault with."""
    findings = check(scene_of(views))
    faults = (finding for finding in findings if finding.severity in FAULTS)
    return {int(name[-9:-4]) for finding in faults for name in finding.frames}


def moved(t: np.ndarray, frames, by=(0.0, 15.0, 0.0)) -> np.ndarray:
    t = t.copy()
    t[list(frames)] += by
    return t


@pytest.mark.parametrize("seed", range(8))
def test_walks_are_flagged_of_nothing(seed):
    t, turn = walk(seed)
    assert flagged(check_positions, views_of(t, turn)) == set()
    assert flagged(check_flips, views_of(t, turn)) == set()


@pytest.mark.parametrize("seed", range(3))
def test_every_few_frames_of_a_walk_are_flagged_of_nothing(seed):
    t, turn = walk(seed)
    kept = np.sort(np.random.default_rng(seed).choice(len(t), len(t) // 4, replace=False))
    views = views_of(t[kept], turn[kept], numbers=kept.tolist())
    assert flagged(check_positions, views) == set()
    assert flagged(check_flips, views) == set()


@pytest.mark.parametrize(
    "frames",
    [
        [100],
        [36, 43],  # as in ShopFacade
        [10, 12],  # with a good one between
        [50, 51, 52],
        range(80, 95),
        [0],
        [199],
        [1, 198],
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 4])
def test_frames_off_the_line_are_named(frames, seed):
    t, turn = walk(seed)
    assert flagged(check_positions, views_of(moved(t, frames, (0, 0, 90.0)), turn)) == set(frames)


def test_a_jump_is_told_in_metres():
    t = np.arange(50.0)[:, None] * [0.7, 0.0, 0.0]
    (finding,) = check_positions(scene_of(views_of(moved(t, [20]))))
    assert finding.frames == {"seq1/frame00020.png": "15 m off the frames beside it"}


def test_a_frame_far_from_everything_is_named_wherever_it_is():
    t, turn = walk(0)
    t[[0, 70]] = [[0, 3.4e9, 0], [1e5, 0, 0]]
    assert flagged(check_positions, views_of(t, turn)) == {0, 70}


def test_frames_at_the_origin_of_a_scene_in_map_coordinates_are_named():
    t, turn = walk(0)
    t += [500_000.0, 5_000_000.0, 0]
    t[[30, 31, 32]] = 0  # what a tracker that was lost writes
    assert flagged(check_positions, views_of(t, turn)) == {30, 31, 32}


def test_a_sequence_elsewhere_is_no_outlier_but_noted():
    t, turn = walk(0)
    far = views_of(t[:8] + np.array([1e5, 0, 0]), turn[:8], sequence="seq2")
    scene = scene_of(views_of(t, turn) + far)
    assert [finding.severity for finding in check_positions(scene)] == ["note", "ok"]


def test_each_date_of_a_flight_is_a_line_of_its_own():
    t, turn = walk(1)
    views = [
        view._replace(name=f"f/{date}{view.name[-9:]}", tags={"date": date}, time_s=float(i))
        for date, by in (("may", 0.0), ("july", 30.0))
        for i, view in enumerate(views_of(moved(t, range(200), (0, 0, by)), turn))
    ]
    bad = 250
    pose = views[bad].T_world_cam
    views[bad] = views[bad]._replace(T_world_cam=Pose(pose.t + 60, pose.q))
    (finding,) = check_positions(scene_of(views))
    assert list(finding.frames) == ["f/july00050.png"]


def test_a_cut_in_a_video_is_no_outlier():
    t, turn = walk(2)
    t[100:] += [60.0, 0, 0]
    turn[100:] += [0, 0, 2.0]
    assert flagged(check_positions, views_of(t, turn)) == set()
    assert flagged(check_flips, views_of(t, turn)) == set()


@pytest.mark.parametrize("photos_per_place", [1, 6, 12])
def test_photos_in_no_order_are_flagged_of_nothing(photos_per_place):
    rng = np.random.default_rng(0)
    places = np.repeat(rng.uniform(-50, 50, (120 // photos_per_place, 3)), photos_per_place, axis=0)
    t = places + rng.normal(0, 0.2, places.shape)
    turn = rng.normal(0, 1.0, t.shape)
    assert flagged(check_positions, views_of(t, turn)) == set()
    assert flagged(check_flips, views_of(t, turn)) == set()


@pytest.mark.parametrize("frames", [[100], [36, 43], [10, 12], [50, 51]], ids=str)
def test_turned_frames_are_named(frames):
    t, turn = walk(1)
    turn[frames] += [0, 0, 2.4]
    assert flagged(check_flips, views_of(t, turn)) == set(frames)
    assert flagged(check_positions, views_of(t, turn)) == set()


def test_a_quaternion_of_the_other_sign_is_the_same_rotation():
    t, turn = walk(1)
    views = views_of(t, turn)
    poses = [view.T_world_cam for view in views]
    flipped = [
        view._replace(T_world_cam=Pose(pose.t, -pose.q if i % 3 else pose.q))
        for i, (view, pose) in enumerate(zip(views, poses, strict=True))
    ]
    assert flagged(check_flips, flipped) == set()


def test_a_camera_that_keeps_turning_is_flagged_of_nothing():
    turn = np.arange(60)[:, None] * [0, 0, np.radians(50)]
    assert flagged(check_flips, views_of(np.zeros((60, 3)), turn)) == set()
