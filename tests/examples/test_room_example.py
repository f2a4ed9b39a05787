"""From posed images, or a video, to a map that localizes photos; what the example says where the way ends."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import room_reconstruction

from hinted_posenet.core.errors import InputError


@pytest.fixture
def room(tmp_path, monkeypatch) -> Iterator:
    """The example's module, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    import room_from_phone_video

    return room_from_phone_video


@pytest.fixture
def small(room, monkeypatch) -> None:
    """Photos of 320 x 240 pixels."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(room.room_video, "WIDTH_PX", 320)
    monkeypatch.setattr(room.room_video, "HEIGHT_PX", 240)


def run(room, monkeypatch, capsys, *words: str) -> str:
    """What the example prints."""
    monkeypatch.setattr(sys, "argv", ["room", *words])
    room.main()
    text: str = capsys.readouterr().out
    return text


def write_video(path: Path, sharp: set[int], frames: int) -> None:
    """Stripes; all but the sharp frames are blurred."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 8, (64, 48))
    for number in range(frames):
        image = np.zeros((48, 64, 3), np.uint8)
        image[:, number % 7 :: 7] = 255
        video.write(image if number in sharp else cv2.blur(image, (9, 9)))
    video.release()


def test_the_sharpest_frame_of_each_piece_is_taken(tmp_path):
    write_video(tmp_path / "film.avi", sharp={1, 7, 8}, frames=12)
    room_reconstruction.choose_frames(tmp_path / "film.avi", tmp_path / "images", 3)
    files = sorted((tmp_path / "images").iterdir())
    assert [file.name for file in files] == ["0000.jpg", "0001.jpg", "0002.jpg"]
    contrast = [cv2.imread(str(file)).std() for file in files]
    assert min(contrast) > 70  # a blurred one has less than 30


def test_too_short_a_video_is_one_line(tmp_path):
    write_video(tmp_path / "film.avi", sharp=set(), frames=5)
    with pytest.raises(InputError, match="5 frames that OpenCV can read, 60 are wanted"):
        room_reconstruction.choose_frames(tmp_path / "film.avi", tmp_path / "images", 60)


def test_without_pycolmap_the_commands_of_colmap_are_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(InputError, match="colmap mapper"):
        room_reconstruction.reconstruct(tmp_path, 1.0)


class Model:
    def __init__(self, frames: int):
        self.frames = frames

    def num_reg_images(self) -> int:
        return self.frames

    def num_points3D(self) -> int:  # noqa: N802
        return 10 * self.frames


@pytest.mark.parametrize(
    ("models", "words"),
    [({}, "no two frames to begin with"), ({0: Model(3), 1: Model(5)}, "placed 5 of 10 frames")],
)
def test_a_reconstruction_that_fails_says_what_to_do(tmp_path, monkeypatch, models, words):
    import pycolmap

    (tmp_path / "images").mkdir()
    for number in range(10):
        (tmp_path / "images" / f"{number}.jpg").touch()
    for step in ("extract_features", "match_exhaustive"):
        monkeypatch.setattr(pycolmap, step, lambda *_, **__: None)
    monkeypatch.setattr(pycolmap, "incremental_mapping", lambda *_: models)
    with pytest.raises(InputError, match=f"{words}.*film slower"):
        room_reconstruction.reconstruct(tmp_path, 1.0)
    assert not (tmp_path / "sparse").exists()


def test_photos_of_the_generated_room_have_their_true_poses(room, small, tmp_path):
    """The same place in two photos: a pixel of the first, moved by depth and poses, looks as in the second."""
    from hinted_posenet.data.formats.transforms import read_views

    room.room_video.write_posed(tmp_path / "made", frames=80)
    first, second = read_views(tmp_path, "made", "all")[10:12]
    corners = [cv2.goodFeaturesToTrack(cv2.imread(str(first.image), 0), 200, 0.01, 8)]
    grey = [cv2.imread(str(view.image), 0) for view in (first, second)]
    moved, found, _ = cv2.calcOpticalFlowPyrLK(*grey, corners[0], None)
    pairs = [points[found[:, 0] == 1][:, 0] + 0.5 for points in (corners[0], moved)]
    rays = [
        np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(first.K.numpy()).T
        for points in pairs
    ]
    T = np.linalg.inv(second.T_world_cam.matrix().numpy()) @ first.T_world_cam.matrix().numpy()
    E = np.cross(np.eye(3), T[:3, 3]) @ T[:3, :3]
    off_px = np.abs((rays[1] @ E * rays[0]).sum(1)) / np.linalg.norm(rays[0] @ E.T, axis=1)
    assert np.median(off_px * float(first.K[0, 0])) < 0.5


@pytest.mark.slow
def test_photos_with_poses_are_localized_with_and_without_a_hint(
    room, small, tmp_path, monkeypatch, capsys
):
    text = run(room, monkeypatch, capsys, "--frames", "40", "--hint-m", "0.2")
    for name in ("image alone", "image and a hint of 0.2 m, 5 deg"):
        (median_cm, worst_cm) = re.search(rf"{name} +([\d.]+) cm +([\d.]+) cm", text).groups()
        assert float(median_cm) < 2, name
        assert float(worst_cm) < 30, name
    assert (tmp_path / "runs" / "room.jpg").is_file()
    assert not (tmp_path / "room").exists()


@pytest.mark.slow
def test_a_video_gets_its_poses_from_colmap(room, small, tmp_path, monkeypatch, capsys):
    room.room_video.film(tmp_path / "film.avi", frames=60)
    monkeypatch.setattr(room_reconstruction, "FEATURES", 800)
    text = run(room, monkeypatch, capsys, "film.avi", "--frames", "40")
    assert "40 of 40 frames placed" in text
    assert "  sound" in text  # says the doctor
    assert re.search(r"image alone +[\d.]+ cm", text)
