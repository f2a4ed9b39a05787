"""Landmarks localize images of every layout that states the camera, indoors and outdoors."""

from pathlib import Path

import fakes
import pytest
import torch
import walks
from layouts import READERS
from tiny import config, results

from hinted_posenet.core.types import Pose, View
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


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_textured_scene_is_localized_in_every_layout(layout, tmp_path, monkeypatch):
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
    write(tmp_path / "data" / layout, scene, frames=5)
    paths = [f"paths.{name}={tmp_path / name}" for name in ("data", "runs", "cache")]
    paths += [f"paths.datasets={tmp_path / 'data'}", "data.height=64", "data.width=64"]
    words = [f"data={layout}", f"data.scene={scene}", "method=hinted_landmarks", "threads=1"]
    small = ["features.keypoints=500", "accelerator=cpu", "logger=none"]
    plain = config("train", *words, *paths, *small)
    train(plain)
    rows = {
        r["method"]: r for r in results(Path(plain["paths"]["run"]))["rows"] if r["group"] == "all"
    }
    found, retrieved = rows["pass 1"], rows["retrieval"]
    assert found["median_t_m"] < 0.02 * scale < 0.5 * retrieved["median_t_m"]
    assert found["p95_t_m"] < 0.05 * scale
    assert found["median_r_deg"] < 0.5
