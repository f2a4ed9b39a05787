"""A film around a stage."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import write_film
from hinted_posenet.show.rays import orbit
from hinted_posenet.show.stage import Presentation, Stage
from hinted_posenet.show.wires import Wires, draw_wires, one_colour
from hinted_posenet.simulator.camera import Camera

CROSS = np.array([[[-1, 0, 0], [1, 0, 0]], [[0, -1, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 1]]], float)
WIRES = Wires("cross", CROSS, one_colour("#c00000", 3))


def frames_of(path: Path) -> list[np.ndarray]:
    film, frames = cv2.VideoCapture(str(path)), []
    while (read := film.read())[0]:
        frames.append(read[1][..., ::-1])
    return frames


def test_a_film_has_the_frames_and_the_size_that_were_asked_for(tmp_path: Path, capsys) -> None:
    path = tmp_path / "new" / "film.mp4"
    stage = Stage("cross", "three lines", None, [WIRES], [("#c00000", "lines")])
    Presentation(width_px=161, seconds=0.5, fps=12, window=False).present(stage, path, threads=1)
    frames = frames_of(path)
    assert len(frames) == 6
    height, width, _ = frames[0].shape
    assert (width, height % 2) == (160, 0)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == 12
    assert np.abs(frames[0].astype(int) - frames[3]).max() > 100  # it moves
    assert f"written: {path}" in capsys.readouterr().out
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


def test_a_film_that_is_interrupted_leaves_no_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"earlier")

    def frames() -> Iterator[np.ndarray]:
        yield np.zeros((64, 64, 3), np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(path, frames(), 2, 24)
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"earlier"


def test_the_orbit_sees_all_and_ends_where_it_began() -> None:
    camera, points = Camera(320, 160, 35.0), CROSS.reshape(-1, 3)
    poses = orbit(camera, points, 8)
    assert len(poses) == 8
    distances = [float(pose.t.norm()) for pose in poses]
    assert distances[0] == max(distances) and distances[4] == min(distances)
    headings = np.unwrap([np.arctan2(float(p.t[1]), float(p.t[0])) for p in poses])
    np.testing.assert_allclose(np.abs(np.diff(headings)), np.pi / 4, atol=1e-6)


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    image = np.full((160, 320, 3), 255, np.uint8)
    ahead = Pose(*orbit(Camera(320, 160, 35.0), CROSS.reshape(-1, 3), 1)[0])
    away = CROSS + 2 * ahead.t.numpy()  # as far behind it
    draw_wires(image, Camera(320, 160, 35.0), ahead, WIRES._replace(segments=away))
    assert (image == 255).all()
    through = np.stack([CROSS[0, 0], ahead.t.numpy() * 3])[None]  # from before it to behind it
    draw_wires(image, Camera(320, 160, 35.0), ahead, Wires("", through, one_colour("#000000", 1)))
    assert (image != 255).any()
