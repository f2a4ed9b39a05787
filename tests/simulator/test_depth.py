import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotate
from hinted_posenet.data.formats.aerial import read_views
from hinted_posenet.simulator.aerial_layout import depth_unit_m, encode_depth, read_depth
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import Bounds, World

CAMERA = Camera(24, 20, hfov_deg=60.0, sensor=Sensor(noise_sigma=0.01))
PLAN = RandomPlan([50, 60], [-20, 20], 3, gimbal_pitch_deg=20)


def run(world: World, root: Path, when: str, **options: object) -> Path:
    flights = {"test": Flight("test", [when], 6, PLAN)}
    settings = {"depth": "png16", **options}
    return simulate(world, flights, CAMERA, root, when, seed=1, threads=1, **settings)


def triangle_height_m(world: World, x_m: float, y_m: float) -> float:
    """Height of the two triangles between four nodes, which meet on the line from ne to sw."""
    window = world.pixel_grid.window_of(Bounds(x_m, y_m, x_m, y_m), world.node_px)
    cell = world.pixel_grid.bounds_of(window)
    (nw, ne), (sw, se) = world.surface(window).tolist()
    east, south = (x_m - cell.xmin) / cell.width_m, (cell.ymax - y_m) / cell.height_m
    if east + south < 1:
        return nw + east * (ne - nw) + south * (sw - nw)
    return se + (1 - east) * (sw - se) + (1 - south) * (ne - se)


def test_depth_leads_back_to_the_surface(small_world: World, tmp_path: Path) -> None:
    folder = run(small_world, tmp_path, "summer")
    unit_m = json.loads((folder / "manifest.json").read_text())["depth"]["unit_m"]
    assert unit_m == 0.002
    rays = torch.from_numpy(CAMERA.pixel_rays())
    views = read_views(tmp_path, "summer", "test")
    assert len(views) == 6
    for view in views:
        depth_m = torch.from_numpy(read_depth(folder, view.name)).double()
        t, q = view.T_world_cam
        points = t.double() + rotate(q.double(), rays * depth_m[..., None])
        for x_m, y_m, z_m in points.reshape(-1, 3)[::7].tolist():
            assert abs(z_m - triangle_height_m(small_world, x_m, y_m)) < 0.02


def test_depth_and_poses_are_the_same_in_every_season(small_world: World, tmp_path: Path) -> None:
    folders = [run(small_world, tmp_path, e.key) for e in small_world.captures]
    depths, poses, images = [], [], []
    for folder in folders:
        files = sorted((folder / "depth" / "test").iterdir())
        depths.append([file.read_bytes() for file in files])
        images.append([file.read_bytes() for file in sorted((folder / "images/test").iterdir())])
        with (folder / "frames.csv").open() as file:
            rows = list(csv.DictReader(file))
        poses.append([[v for k, v in row.items() if k.startswith("T_cam")] for row in rows])
    assert len(folders) == 4 and len(depths[0]) == 6
    assert all(depth == depths[0] for depth in depths)
    assert all(pose == poses[0] for pose in poses)
    assert not set(images[0]) & set(images[1])


def test_images_are_the_same_with_and_without_depth(small_world: World, tmp_path: Path) -> None:
    with_depth = run(small_world, tmp_path / "1", "summer")
    without = run(small_world, tmp_path / "2", "summer", depth="none")
    for file in (without / "images" / "test").iterdir():
        assert file.read_bytes() == (with_depth / "images" / "test" / file.name).read_bytes()
    assert json.loads((without / "manifest.json").read_text())["depth"] is None
    with pytest.raises(InputError, match="no depth image; simulate the scene with depth=png16"):
        read_depth(without, "test/000000.jpg")


def test_no_surface_is_zero_and_nothing_else_is(tmp_path: Path) -> None:
    depth_m = np.array([[0.0004, 1.0, np.inf], [50.1234, 65.535, 0.0]], np.float32)
    image = cv2.imdecode(np.frombuffer(encode_depth(depth_m, 0.001), np.uint8), -1)
    assert image.dtype == np.uint16
    assert image.tolist() == [[1, 1000, 0], [50123, 65535, 1]]


def test_the_unit_is_the_finest_that_fits(small_world: World) -> None:
    def at(height_m: float) -> float:
        z_m = small_world.height_range_m[0] + height_m
        return depth_unit_m(small_world, CAMERA, [pose_at((0, 0, z_m), heading_deg=17)])

    found = [at(height_m) for height_m in (65.5, 65.6, 131.1, 327.6, 3000.0)]
    assert found == [0.001, 0.002, 0.005, 0.005, 0.05]
    with pytest.raises(InputError, match="depth=none"):
        at(70000.0)


def test_an_unknown_kind_of_depth_is_an_error(small_world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="depth: expected none or png16, got 'exr'"):
        run(small_world, tmp_path, "summer", depth="exr")
