"""From a video to a network: the way of the example, and what it says where the way ends."""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hinted_posenet.core.errors import InputError


@pytest.fixture
def room(tmp_path, monkeypatch) -> Iterator:
    """The example's module, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    import room_from_phone_video

    return room_from_phone_video


def write_video(path: Path, sharp: set[int], frames: int) -> None:
    """Stripes; all but the sharp frames are blurred."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 8, (64, 48))
    for number in range(frames):
        image = np.zeros((48, 64, 3), np.uint8)
        image[:, number % 7 :: 7] = 255
        video.write(image if number in sharp else cv2.blur(image, (9, 9)))
    video.release()


def test_the_sharpest_frame_of_each_piece_is_taken(room, tmp_path):
    write_video(tmp_path / "film.avi", sharp={1, 7, 8}, frames=12)
    room.choose_frames(tmp_path / "film.avi", tmp_path / "images", 3)
    files = sorted((tmp_path / "images").iterdir())
    assert [file.name for file in files] == ["0000.jpg", "0001.jpg", "0002.jpg"]
    contrast = [cv2.imread(str(file)).std() for file in files]
    assert min(contrast) > 70  # a blurred one has less than 30


def test_too_short_a_video_is_one_line(room, tmp_path):
    write_video(tmp_path / "film.avi", sharp=set(), frames=5)
    with pytest.raises(InputError, match="5 frames that OpenCV can read, 60 are wanted"):
        room.choose_frames(tmp_path / "film.avi", tmp_path / "images", 60)


def test_without_pycolmap_the_commands_of_colmap_are_told(room, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(InputError, match="colmap mapper"):
        room.reconstruct(tmp_path, 1.0)


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
def test_a_reconstruction_that_fails_says_what_to_do(room, tmp_path, monkeypatch, models, words):
    import pycolmap

    (tmp_path / "images").mkdir()
    for number in range(10):
        (tmp_path / "images" / f"{number}.jpg").touch()
    for step in ("extract_features", "match_exhaustive"):
        monkeypatch.setattr(pycolmap, step, lambda *_, **__: None)
    monkeypatch.setattr(pycolmap, "incremental_mapping", lambda *_: models)
    with pytest.raises(InputError, match=f"{words}.*film slower"):
        room.reconstruct(tmp_path, 1.0)
    assert not (tmp_path / "sparse").exists()


@pytest.mark.slow
def test_from_a_video_to_a_report(room, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(room.room_video, "WIDTH_PX", 320)
    monkeypatch.setattr(room.room_video, "HEIGHT_PX", 240)
    film = room.room_video.film
    monkeypatch.setattr(room.room_video, "film", lambda path: film(path, frames=60))
    monkeypatch.setattr(room, "FEATURES", 800)
    monkeypatch.setattr(sys, "argv", ["room", "--frames", "40", "--epochs", "2"])
    room.main()
    text = capsys.readouterr().out
    assert "40 of 40 frames placed" in text
    assert "  sound" in text  # says the doctor
    assert "hinted_memory" in text
    assert (tmp_path / "runs" / "room.html").is_file()
    assert (tmp_path / "runs" / "room.jpg").is_file()
