"""Landmarks localize images of every layout that states the camera, indoors and outdoors."""

from pathlib import Path

import fakes
import numpy as np
import pytest
import torch
import walks
from layouts import READERS
from tiny import config, results

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose, View
from hinted_posenet.data.formats import seven_scenes
from hinted_posenet.inference.locate import load
from hinted_posenet.training.train import train

# scene -> size of the world, in units of a room whose walls are 4 m and 7 m ahead
SCALES = {"cambridge": 20.0, "aerial": 20.0}
LAYOUTS = [
    "seven_scenes",
    "cambridge",
    "twelve_scenes",
    "colmap",
    "transforms",
    "tum",
    "csv",
    "aerial",
]


def draw_walls(path: Path, camera: fakes.Camera, focal_px: float, scale: float) -> None:
    """Write what a camera sees of two textured walls, at distances that grow with the scale."""
    pose = Pose(torch.from_numpy(camera.t / scale), torch.from_numpy(camera.q))
    half = fakes.WIDTH / 2, fakes.HEIGHT / 2
    K = torch.tensor([[focal_px, 0, half[0]], [0, focal_px, half[1]], [0, 0, 1]]).double()
    walks.draw_room([View(path.name, path, pose, K, "", {})])


def write_textured(layout: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write a small set of the textured room; return what a training is composed of, less its method."""
    scale, near = SCALES.get(layout, 1.0), fakes.camera
    size = {"WIDTH": walks.WIDTH, "HEIGHT": walks.HEIGHT, "FOCAL_PX": 262.5}
    for name, value in size.items():
        monkeypatch.setattr(fakes, name, value)

    def camera(sequence: int, frame: int) -> fakes.Camera:
        small = near(sequence, frame)
        return small._replace(t=scale * small.t)

    def draw(path: Path, view: fakes.Camera, focal_px: float = fakes.FOCAL_PX) -> None:
        draw_walls(path, view, focal_px, scale)

    monkeypatch.setattr(fakes, "camera", camera)
    monkeypatch.setattr(fakes, "draw", draw)
    write, _, scene = READERS[layout]
    write(folder / "data" / layout, scene, frames=5)
    paths = [f"paths.{name}={folder / name}" for name in ("data", "runs", "cache")]
    paths += [f"paths.datasets={folder / 'data'}", "data.height=64", "data.width=64"]
    small = ["features.keypoints=500", "accelerator=cpu", "threads=1", "logger=none"]
    return ["train", f"data={layout}", f"data.scene={scene}", *paths, *small]


def rows_of(run: Path) -> dict[str, dict]:
    """Return the results of all frames, by method."""
    return {r["method"]: r for r in results(run)["rows"] if r["group"] == "all"}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_textured_scene_is_localized_in_every_layout(layout, tmp_path, monkeypatch):
    scale = SCALES.get(layout, 1.0)
    plain = config(*write_textured(layout, tmp_path, monkeypatch), "method=hinted_landmarks")
    train(plain)
    rows = rows_of(Path(plain["paths"]["run"]))
    found, retrieved = rows["pass 1"], rows["retrieval"]
    assert found["median_t_m"] < 0.02 * scale < 0.5 * retrieved["median_t_m"]
    assert found["p95_t_m"] < 0.05 * scale
    assert found["median_r_deg"] < 0.5


@pytest.mark.slow
def test_a_trained_map_answers_photos_with_hints_right_and_wrong(tmp_path, monkeypatch):
    words = write_textured("seven_scenes", tmp_path, monkeypatch)
    plain = config(*words, "method=hinted_landmarks")
    train(plain)
    run = Path(plain["paths"]["run"])
    assert results(run)["landmarks"]["landmarks"] > 100
    localizer = load(run)
    (view, *_) = seven_scenes.read_views(
        tmp_path / "data/seven_scenes", plain["data"]["scene"], "test"
    )
    K, truth = view.K, view.T_world_cam
    alone = localizer.locate(view.image, K)
    assert alone.landmarks >= 25
    assert alone.hint == "retrieval"
    assert (alone.pose.t - truth.t).norm() < 0.03
    right = localizer.locate(view.image, K, Hint.from_pose(truth, 0.05, 1.0))
    assert right.hint == "given"
    assert (right.pose.t - truth.t).norm() < 0.03
    off = Pose(truth.t + torch.tensor([0.5, 0.0, 0.0]), truth.q)
    wrong = localizer.locate(view.image, K, Hint.from_pose(off, 0.05, 1.0))
    assert wrong.hint == "contradicted"
    assert (wrong.pose.t - truth.t).norm() < 0.03
    white = np.full((walks.HEIGHT, walks.WIDTH, 3), 230, np.uint8)
    hint = Hint.from_pose(off, 0.05, 1.0)
    lost = localizer.locate(white, K, hint)
    assert (lost.status, lost.landmarks) == ("uncertain", 0)
    assert torch.allclose(lost.pose.t, off.t, atol=1e-6)
    assert torch.allclose(lost.covariance, hint.covariance, rtol=1e-5)


@pytest.mark.slow
def test_a_camera_that_does_not_move_gives_no_map(tmp_path, monkeypatch):
    words = write_textured("seven_scenes", tmp_path, monkeypatch)
    for path in (tmp_path / "data/seven_scenes").rglob("*.pose.txt"):
        T_world_cam = np.loadtxt(path)
        T_world_cam[:3, 3] = 0
        np.savetxt(path, T_world_cam)
    with pytest.raises(InputError, match="landmarks: none could be triangulated; cameras have"):
        train(config(*words, "method=hinted_landmarks"))


@pytest.mark.slow
def test_the_last_step_of_a_network_is_refined(tmp_path, monkeypatch):
    words = write_textured("csv", tmp_path, monkeypatch)
    how = ["method=posenet", "refine=landmarks", "trainer.max_epochs=2", "augmented_views=1"]
    plain = config(*words, *how, "batch_size=4")
    train(plain)
    rows = rows_of(Path(plain["paths"]["run"]))
    assert rows["pass 2"]["median_t_m"] < 0.02 < rows["pass 1"]["median_t_m"]
