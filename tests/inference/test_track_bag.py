"""track on a ROS bag: images, stamps, camera and odometry of one file, and what the viewer is given of it."""

from pathlib import Path

import numpy as np
import pytest
from bags import Messages, Recorded, write_bag
from hostile import one_line
from rerun.chunk import RrdReader
from streams import KnownErrors, loop
from test_track import opened, rows

from hinted_posenet.inference.track import track
from hinted_posenet.inference.track_settings import TrackSettings

FRAMES, STEP_S, BEGAN_S = 12, 0.5, 1.7e9
PATH = loop(FRAMES)


@pytest.fixture
def settings(tmp_path: Path) -> TrackSettings:
    """A drive of which images, which hold their number, and odometry are in one bag."""
    make, recorded = Messages("mcap"), []
    info = make.camera_info(BEGAN_S, [[50.0, 0, 19.5], [0, 50.0, 14.5], [0, 0, 1]], (40, 30))
    recorded.append(Recorded("/cam/camera_info", BEGAN_S, info))
    for k, pose in enumerate(PATH):
        stamp_s = BEGAN_S + STEP_S * k
        image = make.image(stamp_s, np.full((30, 40, 3), k, np.uint8), "rgb8", "camera")
        odometry = make.odometry(stamp_s, pose.t.tolist(), pose.q.tolist())
        recorded += [
            Recorded("/cam/image_raw", stamp_s + 0.02, image),
            Recorded("/odom", stamp_s + 0.01, odometry),
        ]
    bag = write_bag(tmp_path / "drive_mcap", recorded)
    (tmp_path / "localizer.ckpt").write_text("")
    return TrackSettings(
        checkpoint=tmp_path / "localizer.ckpt",
        images=str(bag),
        odometry=str(bag),
        out=tmp_path / "path.csv",
        recording=tmp_path / "drive.rrd",
    )


def test_a_bag_is_tracked_and_recorded(settings, monkeypatch):
    opened(monkeypatch, KnownErrors(PATH))
    lines = track(settings)
    assert "12 of 12 images have odometry" in lines
    found = rows(settings.out)
    assert [row["name"] for row in found[:2]] == ["drive_mcap#000000", "drive_mcap#000001"]
    assert [row["status"] for row in found[2:]] == ["ok"] * 10
    chunks: dict[str, int] = {}
    for chunk in RrdReader(settings.recording).stream():
        chunks[chunk.entity_path] = chunks.get(chunk.entity_path, 0) + chunk.num_rows
    assert chunks["/world/camera"] == 12
    assert chunks["/world/camera/image"] == 24  # each image, and its camera
    assert chunks["/world/odometry"] == 12
    assert chunks["/world/ellipsoid"] == 12
    assert chunks["/world/odometry_path"] == 1


def test_extrinsics_that_are_no_pose_are_refused(settings, monkeypatch):
    opened(monkeypatch, KnownErrors(PATH))
    wrong = settings.__class__(**{**vars(settings), "T_body_cam": (0.0,) * 7})
    assert "expected [x,y,z,qw,qx,qy,qz]" in one_line(lambda: track(wrong))
