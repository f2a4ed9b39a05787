"""AnyVisLoc: its axes, its maps, and what is wrong on disk."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import surveys
from layouts import assert_says

from hinted_posenet.core.geodesy import camera_angles
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import anyvisloc
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.scene_map import scene_map
from hinted_posenet.simulator.world.map_files import MapFiles


def place(tmp_path: Path, faults: list[Fault] | None = None) -> list[View]:
    return anyvisloc.read_views(tmp_path, "Scene_03", "all", faults=faults)


@pytest.mark.parametrize(
    ("world", "camera"),
    [
        ((1, -1, 1), (1, 1, 1)),  # y to the south, which makes it left-handed
        ((1, 1, 1), (1, 1, 1)),  # y to the north
        ((1, -1, -1), (1, 1, 1)),  # y to the south and z down
        ((1, 1, 1), (1, -1, -1)),  # the camera's axes as in OpenGL
    ],
)
def test_the_rotation_is_taken_in_the_axes_that_agree_with_the_angles(
    tmp_path: Path, world: tuple[int, ...], camera: tuple[int, ...]
) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    expected = place(tmp_path)
    for view in expected:
        path = folder / f"{Path(view.name).stem}.npz"
        pose = np.eye(4)
        pose[:3, :3] = np.diag(world) @ view.T_world_cam.matrix()[:3, :3].numpy() @ np.diag(camera)
        surveys.rewrite(path, pose_c2w=pose)
    for view, other in zip(expected, place(tmp_path), strict=True):
        difference = view.T_world_cam.matrix() - other.T_world_cam.matrix()
        assert float(difference.abs().max()) < 1e-12


def test_a_drone_that_looks_down_to_the_north_east(tmp_path: Path) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    yaw, tilt = np.radians(45), np.radians(30)
    ahead = np.array([np.sin(tilt) * np.sin(yaw), np.sin(tilt) * np.cos(yaw), -np.cos(tilt)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0])
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1, -1, 1]) @ np.stack([right, np.cross(ahead, right), ahead], axis=1)
    path = folder / "L03_0001.npz"
    surveys.rewrite(
        path, pose_c2w=pose, euler_deg=np.array([0, 30, 45.0]), xyz=np.array([7, 20, 90.0])
    )
    view = place(tmp_path)[0]
    assert view.T_world_cam.t.tolist() == [7, -20, 90]
    heading_deg, pitch_deg, roll_deg = (float(a) for a in camera_angles(view.T_world_cam.q))
    assert (heading_deg, pitch_deg, roll_deg) == pytest.approx((45, -60, 0), abs=1e-9)
    assert view.tags == {"place": "Scene_03"} and view.prior is None


def test_what_is_wrong_with_a_sample_is_one_line(tmp_path: Path) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    path = folder / "L03_0001.npz"
    good = path.read_bytes()
    turned = np.eye(4)
    turned[:3, :3] = np.diag([1, -1, 1]) @ np.roll(np.eye(3), 1, axis=0)
    cases: list[tuple[dict[str, np.ndarray | None], str]] = [
        ({"pose_c2w": turned}, "degrees off yaw"),
        ({"pose_c2w": np.full((4, 4), np.nan)}, "pose_c2w: expected finite numbers"),
        ({"pose_c2w": 3 * np.eye(4)}, "not a rotation"),
        ({"xyz": None}, "has no array xyz"),
        ({"xyz": np.array(["a", "b", "c"])}, "xyz: <U1 of shape (3,), expected numbers (3,)"),
        ({"K": np.zeros((2, 2))}, "K: float64 of shape (2, 2), expected numbers (3, 3)"),
        ({"K": np.zeros((3, 3))}, "is not positive"),
        ({"image": None}, "has neither image nor image_relpath"),
        ({"image": np.zeros(0), "image_relpath": np.array("../x.jpg")}, "leads out of the folder"),
    ]
    for arrays, words in cases:
        path.write_bytes(good)
        surveys.rewrite(path, **arrays)
        assert_says(lambda: place(tmp_path), str(path), words)
        faults: list[Fault] = []
        assert len(place(tmp_path, faults)) == 3 and len(faults) == 1
    path.write_bytes(good[: len(good) // 2])
    assert_says(lambda: place(tmp_path), str(path), "not a readable .npz file")


def test_a_sample_may_name_its_image(tmp_path: Path) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    surveys.draw(folder / "photos" / "1.png", surveys.camera(0, 0))
    path = folder / "L03_0001.npz"
    surveys.rewrite(path, image=np.zeros((0,), np.uint8), image_relpath=np.array("photos/1.png"))
    view = place(tmp_path)[0]
    assert (view.image, view.size) == (folder / "photos" / "1.png", (64, 48))


@pytest.mark.parametrize("mode", ["aerial", "satellite"])
def test_the_map_of_a_place_is_written_where_its_views_are(tmp_path: Path, mode: str) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    found = scene_map(folder, tmp_path / "maps", mode)
    assert not found.on_earth and scene_origin(folder) is None
    with rasterio.open(found.photos[0]) as file:
        assert tuple(file.bounds) == (-5, -5, 7, 7)  # west, south, east, north
        assert np.array_equal(np.moveaxis(file.read(), 0, -1), surveys.map_photo())
        assert file.crs.to_dict()["lat_0"] == 0 and file.crs.is_projected
    with rasterio.open(found.dem[0]) as file:
        assert tuple(file.bounds) == (-6, 5 - 24, 18, 5)  # 1 m to the west, 2 m to the south
        assert np.array_equal(file.read(1), surveys.map_heights(), equal_nan=True)
    before = found.photos[0].stat().st_mtime_ns
    assert scene_map(folder, tmp_path / "maps", mode) == found
    assert found.photos[0].stat().st_mtime_ns == before


def test_a_map_that_is_not_described_is_told(tmp_path: Path) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    path = folder / "L03_reference.json"
    good = json.loads(path.read_text())

    def edit(**keys: object) -> None:
        aerial = {**good["modes"]["aerial"], **keys}
        path.write_text(json.dumps({**good, "modes": {"aerial": aerial}}))

    def read() -> object:
        return scene_map(folder, tmp_path / "maps")

    for keys, words in (
        ({"map_path": None}, "modes.aerial.map_path is None"),
        ({"map_path": "../../x.png"}, "leads out of the folder"),
        ({"map_path": "other.png"}, "other.png: missing"),
        ({"dsm_path": "aerial_map.png"}, "no array of heights"),
        ({"map_resolution": [0, 1]}, "expected metres a pixel above 0"),
        ({"map_resolution": 0.5}, "expected two numbers"),
        ({"dsm_origin_local": ["a", 1]}, "expected numbers"),
    ):
        edit(**keys)
        assert_says(read, words)
    assert_says(lambda: scene_map(folder, tmp_path, "radar"), "no map 'radar'", "aerial")
    path.write_text("[]")
    assert_says(read, "L03_reference.json: no map 'aerial' among its modes (none)")


def test_a_part_of_a_map_is_read_in_the_world_of_the_views(tmp_path: Path) -> None:
    found = scene_map(surveys.write_anyvisloc(tmp_path, frames=1), tmp_path / "maps")
    opened = MapFiles(list(found.photos), list(found.dem), origin=found.origin)
    # the north-west pixel, which is red, and its neighbours to the east and south
    part = opened.part((-5.0 + 0.5, 7.0 - 0.5), 2, 0.5)
    assert part.photo[0, 0, 0].tolist() == [255, 0, 0]
    assert part.photo[0, 0, 1].tolist() == [0, 0, 10] and part.photo[0, 1, 0].tolist() == [0, 10, 0]
    # heights rise by 1 m a metre to the south; their map begins 2 m further south than the photo
    part = opened.part((0.0, -5.0), 4, 0.5)
    assert np.diff(part.height_m[:, 0]) == pytest.approx(0.5, abs=1e-3)
    assert part.height_m.mean() == pytest.approx(
        9.5, abs=1e-3
    )  # 10 m south of the edge, half a pixel in
