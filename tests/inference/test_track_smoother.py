"""Smoothing: later frames correct earlier ones, and the covariance says by how much."""

import numpy as np
import torch
from streams import MODEL, KnownErrors, image_of, loop, odometry_of

from hinted_posenet.core.covariance import offset
from hinted_posenet.inference.track_filter import SharedError
from hinted_posenet.inference.track_smoother import Smoother
from hinted_posenet.inference.tracker import Tracker


def test_the_smoothed_path_is_better_where_images_failed_and_stays_calibrated() -> None:
    path, blind = loop(120, step_s=1.0), range(40, 80)
    localizer, motions = KnownErrors(path, blind=blind), odometry_of(path)
    tracker = Tracker(localizer, MODEL, shared=SharedError(3.0))
    smoother, tracked = Smoother(), []
    for k in range(len(path)):
        found = tracker.step(image_of(k), float(k), motions[k])
        smoother.add(tracker, found)
        tracked.append(found)
    smoothed = smoother.path()
    assert smoothed[0] is None  # it is not tracked yet
    last, end = smoothed[-1], tracked[-1]
    assert last and end.pose and torch.equal(last.pose.t, end.pose.t)
    off_m, before_m, nees = [], [], []
    for one, found, true in list(zip(smoothed, tracked, path, strict=True))[1:]:
        assert one and found.pose and found.covariance is not None
        error = offset(one.pose, true)
        off_m.append(float(error[:3].norm()))
        before_m.append(float((found.pose.t - true.t).norm()))
        nees.append(float(error @ torch.linalg.solve(one.covariance, error)) / 6)
        assert (one.covariance.diagonal() <= found.covariance.diagonal() * (1 + 1e-6)).all()
    assert np.mean(off_m[50:80]) < 0.8 * np.mean(before_m[50:80])
    assert np.median(off_m) < np.median(before_m)
    assert 0.3 < np.mean(nees) < 2.0


def test_a_recovery_begins_a_new_part() -> None:
    path = loop(30)
    far = {k: path[k]._replace(t=path[k].t + 30.0) for k in range(15, 30)}
    localizer, motions = KnownErrors(path, elsewhere=far), odometry_of(path)
    tracker, smoother = Tracker(localizer, MODEL, shared=SharedError(3.0)), Smoother()
    for k in range(30):
        smoother.add(tracker, tracker.step(image_of(k), 0.5 * k, motions[k]))
    for k, one in enumerate(smoother.path()):
        if one and k not in (15, 16):  # where the images were elsewhere, and not yet believed
            assert (one.pose.t - localizer.path[k].t).norm() < 2.5
