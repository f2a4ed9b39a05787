"""Recordings for the rerun viewer, read back by rerun itself."""

import math

import cv2
import numpy as np
import pytest
import torch
from hostile import one_line
from rerun.chunk import RrdReader

from hinted_posenet.core.geometry import quaternion_exp, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.query_camera import given_camera
from hinted_posenet.inference.recording import RecordedFrame, recording

BEGAN_S = 1.7e9
FAR = torch.tensor([400_123.0, 5_600_456.0, 78.0]).double()  # as of UTM


def vector(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def frames(count: int = 6, gap: int = 3) -> list[RecordedFrame]:
    """A camera that moves 1 m along x per frame, seen by drifting odometry with a gap, and by GPS."""
    found = []
    q = quaternion_exp(vector(0, 0, math.pi / 2))
    for i in range(count):
        pose = Pose(FAR + vector(i, 0, 0), q)
        covariance = vector(1.0, 4.0, 0.25, 0.01, 0.01, 0.01).diag()
        motion = Pose(vector(0, -1.1, 0), vector(1, 0, 0, 0))  # along the camera's axes
        found.append(
            RecordedFrame(
                BEGAN_S + i,
                "rejected" if i == 4 else "ok",
                pixels=np.full((60, 1280, 3), 40 * i, np.uint8),
                camera=given_camera([1000.0, 1000.0, 640.0, 30.0]),
                answer=Hint(pose, covariance),
                motion=None if i in (0, gap) else motion,
                prior=Hint.from_position(pose.t + 0.5, 2.0),
            )
        )
    return found


@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    """What rerun reads of a recording: entity -> columns."""
    path = tmp_path_factory.mktemp("rrd") / "flight.rrd"
    with recording(path) as opened:
        for frame in frames():
            opened.add(frame)
    assert [file.name for file in path.parent.iterdir()] == ["flight.rrd"]
    found: dict[str, dict[str, list]] = {}
    for chunk in RrdReader(path).stream():
        columns = found.setdefault(chunk.entity_path, {})
        for name, values in chunk.to_record_batch().to_pydict().items():
            columns.setdefault(name, []).extend(values)
    return found


def values(chunks, entity: str, name: str) -> np.ndarray:
    (column,) = (v for key, v in chunks[entity].items() if key.endswith(name))
    return np.array([value for value in column if value is not None])


def test_the_camera_is_where_it_was_answered_at_each_time(chunks):
    t = values(chunks, "/world/camera", ":translation")[:, 0]
    assert np.allclose(t[:, 0], [123, 124, 125, 126, 127, 128])
    assert np.allclose(t[:, 1:], [456, 78])
    assert "x 400000 m, y 5600000 m, z 0 m" in chunks["/about"]["TextDocument:text"][0][0]
    x, y, z, w = values(chunks, "/world/camera", ":quaternion")[0, 0]
    ahead = rotate(vector(w, x, y, z), vector(1, 0, 0))
    assert torch.allclose(ahead, vector(0, 1, 0), atol=1e-6)
    stamps = [stamp.timestamp() for stamp in chunks["/world/camera"]["time"]]
    assert stamps == [BEGAN_S + i for i in range(6)]


def test_ellipsoids_hold_95_percent(chunks):
    half = values(chunks, "/world/ellipsoid", ":half_sizes")[0, 0]
    assert np.allclose(sorted(half), np.sqrt(7.8147) * np.array([0.5, 1.0, 2.0]), rtol=1e-4)
    x, y, z, w = values(chunks, "/world/ellipsoid", ":quaternions")[0, 0]
    longest = rotate(vector(w, x, y, z), vector(*(half == half.max()).astype(float)))
    assert torch.allclose(longest.abs(), vector(0, 1, 0), atol=1e-6)


def test_odometry_goes_on_from_the_first_answer_and_begins_anew_after_a_gap(chunks):
    t = values(chunks, "/world/odometry", ":positions")[:, 0]
    assert np.allclose(t[:, 0], [123, 124.1, 125.2, 126, 127.1, 128.2])
    strips = chunks["/world/odometry_path"]["LineStrips3D:strips"][0]
    assert [len(strip) for strip in strips] == [3, 3]


def test_gps_images_and_the_log_are_there(chunks):
    gps = values(chunks, "/world/gps", ":positions")[:, 0]
    assert np.allclose(gps[0], [123.5, 456.5, 78.5])
    (camera,) = values(chunks, "/world/camera/image", ":image_from_camera")[0]
    assert np.allclose(camera[[0, 4, 6, 7]], [500, 500, 320, 15])  # halved, by columns
    (content,) = chunks["/world/camera/image"]["EncodedImage:blob"][3]
    shown = cv2.imdecode(np.array(content, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (30, 640, 3)
    assert shown.mean() == pytest.approx(120, abs=2)
    assert chunks["/log"]["TextLog:text"] == [["rejected"]]
    assert len(chunks["/world/path"]["LineStrips3D:strips"][0][0]) == 6


def test_frames_that_say_nothing_are_recorded_too(tmp_path):
    with recording(tmp_path / "a.rrd") as opened:
        opened.add(RecordedFrame(0.5, "lost", "no image"))
        unknown = Hint.from_position([0, 0, 0], [1.0, math.inf])
        opened.add(RecordedFrame(1.5, "ok", prior=unknown))
    found = {chunk.entity_path for chunk in RrdReader(tmp_path / "a.rrd").stream()}
    assert "/log" in found
    assert "/world/gps" not in found


def test_a_recording_that_is_interrupted_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), recording(tmp_path / "a.rrd") as opened:
        opened.add(frames()[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    assert "expected one of .rrd" in one_line(lambda: recording(tmp_path / "a.mp4").__enter__())
