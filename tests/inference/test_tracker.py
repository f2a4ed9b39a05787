"""Tracker: what it believes of a stream, how certain it is, and that no stream stops it."""

import math
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from streams import MODEL, SIGMA, KnownErrors, image_of, loop, odometry_of
from tiny import small_checkpoint

import hinted_posenet as hp
from hinted_posenet.core.covariance import offset
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.track_filter import SharedError
from hinted_posenet.inference.tracked import Frame, Motion, Tracked
from hinted_posenet.inference.tracker import Tracker

SHARED = SharedError(over_m=3.0)
STEP_S = 0.5


def track(
    localizer: KnownErrors,
    motions: Sequence[Motion | None] | None = None,
    priors: dict[int, Hint] | None = None,
    count: int | None = None,
    shared: SharedError = SHARED,
) -> list[Tracked]:
    """Answers to the first frames of a localizer's path."""
    tracker = Tracker(localizer, MODEL, shared=shared)
    count = count or len(localizer.path)
    return [
        tracker.step(
            image_of(k), STEP_S * k, motions[k] if motions else None, (priors or {}).get(k)
        )
        for k in range(count)
    ]


def errors(found: Sequence[Tracked], path: Sequence[Pose]) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the position in metres, and NEES over its expectation."""
    off = [offset(one.pose, true) for one, true in zip(found, path, strict=True) if one.pose]
    sure = [one.covariance for one in found if one.covariance is not None]
    nees = [float(e @ torch.linalg.solve(C, e)) / 6 for e, C in zip(off, sure, strict=True)]
    return np.array([float(e[:3].norm()) for e in off]), np.array(nees)


def test_it_halves_the_error_of_single_images_and_stays_calibrated() -> None:
    path, tracked_m, nees = loop(300, step_s=1.0), [], []
    for seed in range(2):
        localizer = KnownErrors(path, combines_hints=False, seed=seed)
        found = track(localizer, odometry_of(path, seed))
        off_m, own = errors(found, path)
        tracked_m.append(np.median(off_m))
        nees.append(own[10:].mean())
    single_m = [float(error[:3].norm()) for error in localizer.error]
    assert np.median(tracked_m) < 0.5 * np.median(single_m)
    assert 0.5 < np.mean(nees) < 1.6


def test_errors_taken_for_independent_make_it_too_sure_of_itself() -> None:
    path = loop(100)
    localizer = KnownErrors(path)
    found = track(localizer, odometry_of(path), shared=SharedError(over_m=1e-3))
    assert errors(found, path)[1][10:].mean() > 2.0


def test_a_hint_that_is_in_the_answer_is_not_counted_again() -> None:
    path = loop(60)
    apart, alone = (
        track(KnownErrors(path, combines), odometry_of(path)) for combines in (True, False)
    )
    for one, other in zip(apart, alone, strict=True):
        assert one.pose and other.pose
        assert offset(one.pose, other.pose).abs().max() < 1e-6
        assert torch.allclose(one.covariance, other.covariance, rtol=1e-3, atol=1e-9)
    assert [one.hint for one in apart[:3]] == ["none", "none", "prediction"]
    assert {one.hint for one in alone} == {"none"}


def test_a_camera_that_stands_still_learns_little_from_more_images() -> None:
    path = loop(1) * 60
    (*_, last) = track(KnownErrors(path), odometry_of(path))
    assert last.covariance is not None
    ratio = last.covariance.diagonal() / SIGMA.square()
    assert (ratio > 0.6).all()
    assert (ratio < 0.8).all()


def test_constant_velocity_takes_the_place_of_odometry() -> None:
    path = loop(100)
    localizer = KnownErrors(path)
    found = track(localizer)
    off_m, nees = errors(found, path)
    single_m = [float(error[:3].norm()) for error in localizer.error]
    assert np.median(off_m[20:]) < 1.1 * np.median(single_m)
    assert found[-1].covariance is not None
    assert (found[-1].covariance.diagonal() < SIGMA.square()).all()
    assert nees[20:].mean() < 2.0


def test_odometry_that_ends_leaves_its_velocity() -> None:
    path = loop(60)
    motions = odometry_of(path)
    motions[40:] = [None] * 20
    blind = KnownErrors(path, blind=range(40, 60))
    found = track(blind, motions)
    assert [one.status for one in found[40:44]] == ["coasting"] * 4
    off_m, nees = errors(found, path)
    assert off_m[43] < 1.0  # a camera taken to stand would be 2 m off
    assert nees[40:].max() < 3.0


def test_an_outlier_is_rejected_and_a_kidnapping_found_within_five_frames() -> None:
    path = loop(80)
    far = {20: Pose(path[20].t + 30.0, path[20].q)}
    far |= {k: Pose(path[k].t + torch.tensor([0.0, 0.0, 25.0]), path[k].q) for k in range(40, 80)}
    localizer = KnownErrors(path, elsewhere=far)
    found = track(localizer, odometry_of(path))
    assert found[20].status == "rejected"
    assert [one.status for one in found[21:40]] == ["ok"] * 19
    statuses = [one.status for one in found[40:46]]
    assert statuses == ["rejected", "rejected", "recovered", "ok", "ok", "ok"]
    assert found[42].jump_m == pytest.approx(25, abs=2)
    assert "a jump of 2" in found[42].note
    assert errors(found[43:], localizer.path[43:])[0].max() < 2.5


def test_a_wrong_place_that_one_image_shows_is_not_tracked_from() -> None:
    path = loop(6)
    localizer = KnownErrors(path, elsewhere={0: Pose(path[0].t - 30.0, path[0].q)})
    assert [one.status for one in track(localizer, odometry_of(path))][:4] == [
        "lost",
        "lost",
        "started",
        "ok",
    ]


def test_a_prior_sharpens_the_track_and_a_wrong_one_is_left_out() -> None:
    path = loop(30)
    blind = KnownErrors(path, blind=range(5, 30))
    gps = {k: Hint.from_position(path[k].t, 0.1) for k in range(10, 30)}
    gps[15] = Hint.from_position(path[15].t + 40.0, 0.1)
    found = track(blind, odometry_of(path), gps)
    assert found[9].covariance is not None
    assert found[12].covariance is not None
    assert found[12].covariance[0, 0] < 0.2 * found[9].covariance[0, 0]
    assert "its prior contradicts the track: left out" in found[15].note
    assert errors(found, path)[0][16:].max() < 0.5


def test_a_prior_brings_back_a_track_that_went_astray() -> None:
    path = loop(40)
    astray = {k: Pose(path[k].t + 30.0, path[k].q) for k in range(10)}
    localizer = KnownErrors(path, elsewhere=astray, blind=range(10, 16))
    gps = {k: Hint.from_pose(path[k], 0.5, 2.0) for k in range(10, 40)}
    found = track(localizer, odometry_of(path), gps)
    assert found[11].status == "coasting"
    assert found[13].hint == "prior"
    assert "recovered" in {one.status for one in found[12:19]}
    assert errors(found[20:], path[20:])[0].max() < 2.0


def test_what_is_uncertain_by_half_of_the_distance_to_the_scene_is_lost() -> None:
    path = loop(60)
    localizer = KnownErrors(path, blind=range(5, 50))
    found = track(localizer)
    lost = [k for k, one in enumerate(found) if one.status == "lost" and k > 1]
    assert 10 < lost[0] < 49
    assert localizer.hints[lost[0] + 1] is None
    assert [one.status for one in found[50:53]] == ["lost", "recovered", "ok"]


def test_wrong_stamps_are_named_and_change_nothing() -> None:
    path = loop(12)
    localizer = KnownErrors(path)
    tracker = Tracker(localizer, MODEL, shared=SHARED)
    stamps = [0.0, 0.5, 1.0, 1.0, 0.7, math.nan, 1.5, 60.0, 2.0, 2.5, 3.0]
    found = [tracker.step(image_of(k), stamp) for k, stamp in enumerate(stamps)]
    notes = {k: one.note for k, one in enumerate(found) if one.note}
    assert found[3].pose is not None
    assert [found[k].status for k in (3, 4, 5)] == ["skipped"] * 3
    assert notes[3] == "its stamp repeats"
    assert notes[4] == "its stamp comes 0.3 s late"
    assert notes[5] == "its stamp is no number"
    assert found[7].status == "lost"  # at a constant velocity for a minute
    assert notes[8] == "the clock went back by 58 s: begun anew"
    assert [one.status for one in found[8:]] == ["lost", "started", "ok"]


def test_bad_readings_are_named_and_left_out() -> None:
    path = loop(8)
    tracker = Tracker(KnownErrors(path), MODEL, shared=SHARED)
    for k in range(3):
        tracker.step(image_of(k), 0.5 * k)
    nan = torch.full((3,), math.nan, dtype=torch.float64)
    found = tracker.step(image_of(3), 1.5, (Pose(nan, path[0].q), None))
    assert "odometry is not a finite motion" in found.note
    found = tracker.step(image_of(4), 2.0, (path[0], -torch.eye(6)))
    assert "odometry is not a finite motion" in found.note
    broken = Hint(path[5], torch.full((6, 6), math.nan))
    assert "its prior is not a finite pose" in tracker.step(image_of(5), 2.5, None, broken).note
    flat = Hint(path[6], torch.ones(6, 6))
    assert "its prior has no covariance" in tracker.step(image_of(6), 3.0, None, flat).note
    found = tracker.step(None, 3.5)
    assert (found.status, found.note) == ("coasting", "no image")


def test_another_camera_is_named_once() -> None:
    path = loop(6)
    tracker = Tracker(KnownErrors(path), MODEL, K=[50, 50, 20, 15], shared=SHARED)
    cameras = [None, [50, 50, 20, 15], [60, 60, 20, 15], [60, 60, 20, 15], None]
    notes = [tracker.step(image_of(k), 0.5 * k, K=K).note for k, K in enumerate(cameras)]
    assert notes == ["", "", "another camera than before", "", "another camera than before"]


def test_a_network_is_tracked_with_images_that_it_cannot_take(tmp_path) -> None:
    localizer = hp.load(small_checkpoint(tmp_path, "method=hinted_residual"), "cpu", threads=1)
    draw = np.random.default_rng(0)
    photo = draw.integers(0, 255, (64, 64, 3), np.uint8)
    frames = [Frame(photo, 0.1 * k) for k in range(4)]
    frames += [Frame(photo[:40], 0.4), Frame(tmp_path / "none.png", 0.5), Frame(photo, 0.6)]
    found = list(hp.Tracker(localizer).steps(frames))
    assert {one.status for one in found} <= {"lost", "started"}  # noise is not of the place
    assert found[3].pose is not None
    assert "none.png" in found[5].note
    assert found[4].note


@pytest.mark.slow
def test_memory_does_not_grow_by_one_byte_a_frame() -> None:
    path = loop(1) * 2
    tracker = Tracker(KnownErrors(path, combines_hints=False), MODEL, shared=SHARED)
    image = image_of(0)
    frames = (Frame(image, 0.1 * k) for k in range(10_000))
    tracemalloc.start()
    for k, _ in enumerate(tracker.steps(frames)):
        tracker.localizer.hints.clear()
        if k == 1000:
            before = tracemalloc.get_traced_memory()[0]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 9_000  # a number that is kept of each frame takes 32 times as much
