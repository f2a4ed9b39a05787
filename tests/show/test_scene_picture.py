from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import SPLIT_COLOURS
from hinted_posenet.show.rays import orbit, overview_pose
from hinted_posenet.show.relief import read_relief
from hinted_posenet.show.scene_picture import FRUSTA, ScenePicture, scene_stage, thinned
from hinted_posenet.show.stage import draw_stage, has_display, line_set
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import EDGES, frusta, frustum_wires
from hinted_posenet.simulator.camera import Camera

from .conftest import quarter_of, quarters

CAMERA = Camera(400, 250, 35.0)
HEADER_PX = 28  # above the image


def pixels(pose: Pose, points: np.ndarray) -> np.ndarray:
    """K (R^T (p - t)), by the book."""
    t, q = invert(*pose)
    seen = (rotate(q, torch.from_numpy(points)) + t).numpy() @ CAMERA.K.T
    assert (seen[..., 2] > 0).all()
    return seen[..., :2] / seen[..., 2:]


def test_frusta_are_the_corners_of_the_images(subject: Subject) -> None:
    views = subject.views()["test"]
    for view, (center, *corners) in zip(views, frusta(views, 7.0), strict=True):
        np.testing.assert_allclose(center, view.T_world_cam.t, atol=1e-9)
        t, q = invert(*view.T_world_cam)
        seen = rotate(q, torch.from_numpy(np.stack(corners))) + t
        np.testing.assert_allclose(seen[:, 2], 7.0)
        uv = (seen @ view.K.T).numpy()
        wanted = [[0, 0], [32, 0], [32, 24], [0, 24]]
        np.testing.assert_allclose(uv[:, :2] / uv[:, 2:], wanted, atol=1e-6)
    assert frusta([], 1.0).shape == (0, 5, 3)


def test_the_overview_shows_all_of_the_world_and_all_cameras(subject: Subject) -> None:
    relief = read_relief(quarters(), vertices=500)
    stage = scene_stage("quarters", "summer", relief, subject.views())
    points = np.concatenate([relief.nodes().reshape(-1, 3), stage.points()])
    for pose, part in (
        (overview_pose(CAMERA, stage.points()), 0.85),  # and no smaller than need be
        (orbit(CAMERA, stage.points(), 24)[0], 0.6),  # from as far as another side needs
    ):
        uv = pixels(pose, points)
        low, high = uv.min(axis=0), uv.max(axis=0)
        assert (low >= 0).all() and (high <= [400, 250]).all()
        assert ((high - low) / [400, 250]).max() > part


def test_the_picture_has_ground_and_cameras_where_they_are(subject: Subject) -> None:
    relief, views = read_relief(quarters(), vertices=5000), subject.views()
    stage = scene_stage("quarters", "summer", relief, views)
    pose = overview_pose(CAMERA, stage.points())
    below = slice(HEADER_PX, HEADER_PX + CAMERA.height)
    bare = draw_stage(stage._replace(wires=[], scale_bar=None), CAMERA, pose, threads=1)[below]
    for x_m, y_m in [(-80, 60), (80, 60), (-80, -60), (80, -60)]:
        place = np.array([x_m, y_m, 0.1 * x_m + 0.2 * y_m])
        col, row = pixels(pose, place).astype(int)
        np.testing.assert_allclose(bare[row, col], quarter_of(x_m, y_m), atol=3)
    drawn = draw_stage(stage, CAMERA, pose, threads=1)[below]
    for view in views["test"]:
        col, row = pixels(pose, view.T_world_cam.t.numpy()).astype(int)
        part = drawn[row - 1 : row + 3, col - 1 : col + 3].astype(int)
        red = np.array(ImageColor.getrgb(SPLIT_COLOURS["test"]))
        # lines are smooth, and one pixel wide here
        assert np.abs(part - red).max(axis=2).min() < 60
    assert (drawn != bare).any(axis=2).mean() < 0.3


def test_of_many_cameras_every_so_many_is_drawn(subject: Subject) -> None:
    view = subject.views()["val"][0]
    shown = thinned({"train": [view] * 900, "val": [view] * 90, "test": []})
    assert sum(map(len, shown.values())) <= FRUSTA + 2
    assert len(shown["train"]) == 10 * len(shown["val"])


def test_without_a_display_there_is_the_picture_and_a_message(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for display in (None, ":977"):  # none, and one that was closed
        monkeypatch.delenv("DISPLAY", raising=False)
        if display:
            monkeypatch.setenv("DISPLAY", display)
        assert not has_display()
        path = tmp_path / "scene.png"
        ScenePicture("winter", vertices=500, width_px=320).draw(subject, path)
        with Image.open(path) as image:
            assert image.size[0] == 320
        path.unlink()
        out = capsys.readouterr().out
        assert f"written: {path}" in out and "no display answers" in out


def test_lines_of_the_window_are_the_frusta(subject: Subject) -> None:
    views = subject.views()["val"]
    outlines = frusta(views, 5.0)
    lines = line_set(frustum_wires("val", outlines, "#ff0000"))
    ends = lines.point.positions.numpy()[lines.line.indices.numpy()].reshape(5, 8, 2, 3)
    np.testing.assert_allclose(ends, outlines[:, EDGES], atol=1e-4)


def test_another_world_than_the_data_set_s_is_refused(subject: Subject, tmp_path: Path) -> None:
    for other in (subject._replace(make_world=lambda: quarters(128)), subject._replace(seed=5)):
        with pytest.raises(InputError, match=r"manifest\.json: simulated over another world"):
            ScenePicture(window=False).draw(other, tmp_path / "scene.png")
    with pytest.raises(InputError, match=r"no scene 'elsewhere'"):
        ScenePicture().draw(subject._replace(scene="elsewhere"), tmp_path / "scene.png")
    assert list(tmp_path.iterdir()) == []
