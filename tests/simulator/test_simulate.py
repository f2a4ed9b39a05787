import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import invert
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Gnss
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.shots import plan_shots
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import World

CAMERA = Camera(24, 20, hfov_deg=60.0, sensor=Sensor(noise_sigma=0.01, exposure_sigma_ev=0.1))
PLAN = RandomPlan([50, 60], [-20, 20], 3)
FLIGHTS = {
    "train": Flight("train", ["spring", "summer"], 3, PLAN),
    "test": Flight("test", ["winter"], 2, PLAN),
}


def run(world: World, root: Path, **options: object) -> Path:
    return simulate(world, FLIGHTS, CAMERA, root, "demo", seed=1, threads=1, **options)


def test_layout_on_disk(small_world: World, tmp_path: Path) -> None:
    folder = run(small_world, tmp_path, recipe={"scene": "demo"})
    assert folder == tmp_path / "demo"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format"] == "hinted_posenet aerial"
    assert manifest["counts"] == {"train": 6, "val": 0, "test": 2}
    assert manifest["camera"]["fx"] == CAMERA.focal_px
    assert manifest["camera"]["cx"] == 12
    assert manifest["map"] == {"image": "map.jpg", "bounds_m": list(small_world.bounds)}
    assert Origin(**manifest["origin"]) == Origin(11.0, 48.0, 0.0, "geoid")
    with (folder / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows[:2]] == ["train/000000.jpg", "train/000001.jpg"]
    assert [row["season"] for row in rows] == ["spring"] * 3 + ["summer"] * 3 + ["winter"] * 2
    for row in rows:
        assert cv2.imread(str(folder / "images" / row["name"])).shape == (20, 24, 3)


def test_frames_hold_world_to_camera_poses(small_world: World, tmp_path: Path) -> None:
    folder = run(small_world, tmp_path)
    shots = plan_shots(small_world, FLIGHTS, CAMERA, 1, "jpg")
    with (folder / "frames.csv").open() as file:
        rows = list(csv.reader(file))
    parts = ("qw", "qx", "qy", "qz", "tx", "ty", "tz")
    assert rows[0][7:14] == [f"T_cam_world_{part}" for part in parts]
    for row, shot in zip(rows[1:], shots, strict=True):
        q, t = (torch.tensor([float(x) for x in part]) for part in (row[7:11], row[11:14]))
        t_world_cam, _ = invert(t.double(), q.double())
        assert torch.allclose(t_world_cam, shot.label.station.T_world_cam.t, atol=1e-4)


def test_a_flight_does_not_change_when_another_is_added(small_world: World) -> None:
    alone = plan_shots(small_world, {"test": FLIGHTS["test"]}, CAMERA, 1, "jpg")
    beside = plan_shots(small_world, FLIGHTS, CAMERA, 1, "jpg")[-2:]
    for a, b in zip(alone, beside, strict=True):
        assert torch.equal(a.label.station.T_world_cam.t, b.label.station.T_world_cam.t)
    everything = [shot.label.station.T_world_cam.t.tolist() for shot in beside]
    assert everything[0] != everything[1]


def test_overwrite_is_refused_unless_asked(small_world: World, tmp_path: Path) -> None:
    run(small_world, tmp_path)
    with pytest.raises(InputError, match="overwrite=true"):
        run(small_world, tmp_path)
    run(small_world, tmp_path, overwrite=True)
    for scene in ("../escape", "", "..", ".hidden"):
        with pytest.raises(InputError, match="scene: expected a plain folder name"):
            simulate(small_world, FLIGHTS, CAMERA, tmp_path, scene, seed=1)


def test_sensors_leave_priors_in_the_table_and_poses_as_they_are(
    small_world: World, tmp_path: Path
) -> None:
    plan = RandomPlan([50, 60], [-20, 20], 3, gimbal_pitch_deg=20)
    folders = []
    for name, navigation in (("sensed", Gnss(2.0, 4.0, 1.0)), ("blind", None)):
        flights = {"test": Flight("test", ["summer"], 4, plan, navigation=navigation)}
        folders.append(simulate(small_world, flights, CAMERA, tmp_path, name, seed=1, threads=1))
    sensed, blind = (list(csv.DictReader((f / "frames.csv").open())) for f in folders)
    for row, other in zip(sensed, blind, strict=True):
        assert row["T_cam_world_tx"] == other["T_cam_world_tx"]
        assert other["prior_sigma_t_m"] == "" and float(row["prior_sigma_r_deg"]) == 1.0
        image = f"images/{row['name']}"
        assert (folders[0] / image).read_bytes() == (folders[1] / image).read_bytes()
        pose, prior = (
            np.array([float(row[f"{prefix}T_cam_world_{part}"]) for part in ("tx", "ty", "tz")])
            for prefix in ("", "prior_")
        )
        assert 0 < np.linalg.norm(pose - prior) < 30
