"""OrthoLoC, AnyVisLoc and UAV-VisLoc: worlds, maps, and what is wrong on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import surveys
import torch
from layouts import assert_says

from hinted_posenet.core.geodesy import Origin, camera_angles
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import anyvisloc, ortholoc, uav_visloc
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.notes import collected_notes
from hinted_posenet.data.formats.scene_map import scene_map


def rewrite(path: Path, **arrays: np.ndarray | None) -> None:
    """Replace arrays of a frame; None leaves one out."""
    with np.load(path) as found:
        kept = {**found, **arrays}
    np.savez_compressed(path, **{name: array for name, array in kept.items() if array is not None})


def rows_of(path: Path, edit: Callable[[list[str]], list[str]], line: int = 2) -> None:
    """Replace the fields of a line of a table, the header being line 1."""
    lines = path.read_text().splitlines()
    lines[line - 1] = ",".join(edit(lines[line - 1].split(",")))
    path.write_text("\n".join(lines) + "\n")


def field(number: int, value: str) -> Callable[[list[str]], list[str]]:
    return lambda fields: [*fields[:number], value, *fields[number + 1 :]]


# UAV-VisLoc


def flight(tmp_path: Path, faults: list[Fault] | None = None, **options: float) -> list[View]:
    return uav_visloc.read_views(tmp_path, "03", "all", faults=faults, **options)


def test_a_flight_lies_around_the_middle_of_its_map_not_of_a_utm_zone(tmp_path: Path) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    origin = scene_origin(folder)
    assert origin == Origin(pytest.approx(119.92), pytest.approx(32.23), 0.0, "unknown")
    # 1.8 km to the west of the middle, straight east of it in latitude: UTM would turn it by 1.6 degrees
    north, west = surveys.MAP_DEG["LT_lat_map"], surveys.MAP_DEG["LT_lon_map"]
    rows_of(folder / "03.csv", lambda f: [*f[:3], "32.23", str(west), "466.5", *f[6:]])
    x, y, z = flight(tmp_path)[0].T_world_cam.t.tolist()
    assert x == pytest.approx(-0.02 * 111_320 * np.cos(np.radians(32.23)), rel=3e-3)
    assert abs(y) < 0.5 and z == 466.5
    rows_of(folder / "03.csv", lambda f: [*f[:3], str(north), "119.92", *f[5:]])
    x, y, _ = flight(tmp_path)[0].T_world_cam.t.tolist()
    assert abs(x) < 1e-6 and y == pytest.approx(0.08 * 110_900, rel=1e-3)


@pytest.mark.parametrize(
    ("heading", "pitch", "roll", "top", "looks_at"),
    [
        (0, 0, 0, (0, 1), (0, 0)),
        (90, 0, 0, (1, 0), (0, 0)),
        (90, 10, 0, (1, 0), (1, 0)),  # nose up: the belly looks ahead
        (0, 0, 10, (0, 1), (-1, 0)),  # right wing down: it looks to the left
    ],
)
def test_the_camera_looks_out_of_the_belly(
    tmp_path: Path,
    heading: int,
    pitch: int,
    roll: int,
    top: tuple[int, int],
    looks_at: tuple[int, int],
) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    angles = [str(pitch), str(roll), str(heading)]
    rows_of(folder / "03.csv", lambda f: [*f[:6], *angles, f[9]])
    R = flight(tmp_path)[0].T_world_cam.matrix()[:3, :3]
    up_in_image, ahead = -R[:, 1], R[:, 2]
    assert float(up_in_image[:2] @ torch.tensor(top).double()) > 0.98
    tilt = np.sin(np.radians(10))
    assert ahead[:2].tolist() == pytest.approx([tilt * part for part in looks_at], abs=1e-9)
    assert float(ahead[2]) < -0.98


def test_a_flight_tells_place_season_and_time_and_that_no_camera_is_published(
    tmp_path: Path,
) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    with collected_notes() as notes:
        views = flight(tmp_path)
    assert views[1].tags == {"place": "Taizhou-1", "date": "2018-10-23", "season": "autumn"}
    assert [view.time_s for view in views] == [0, 1, 2, 3]
    assert all(view.prior is None for view in views)
    assert views[0].K.tolist() == [[64, 0, 32], [0, 64, 24], [0, 0, 1]]
    assert len(notes) == 1 and "publishes no camera" in notes[0]
    with collected_notes() as notes:
        assert float(flight(tmp_path, focal_px=66.0)[0].K[0, 0]) == 66
    assert not notes
    rows_of(folder / "03.csv", field(2, "not known"))
    assert flight(tmp_path)[0].tags == {"place": "Taizhou-1"}


@pytest.mark.parametrize(
    "name", ["satellite_coordinates_range.csv", "satellite_ coordinates_range.csv"]
)
def test_copies_of_the_table_of_maps_have_two_names_and_a_byte_order_mark(
    tmp_path: Path, name: str
) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    stated = (tmp_path / uav_visloc.RANGES[0]).rename(tmp_path / name)
    stated.write_text("\ufeff" + stated.read_text().replace("satellite03.tif", "03.tif"))
    table = folder / "03.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    assert len(flight(tmp_path)) == 4


def test_what_is_wrong_with_a_flight_is_one_line(tmp_path: Path) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    table, ranges = folder / "03.csv", tmp_path / uav_visloc.RANGES[0]
    good, good_ranges = table.read_text(), ranges.read_text()

    def read() -> list[View]:
        return flight(tmp_path)

    table.write_text(good.replace("height,Omega,Kappa,Phi1,Phi2", "height"))
    assert_says(read, "03.csv line 1", "no column Phi1, Omega, Kappa", "flight 07 is published")
    table.write_text(good.replace("filename", "file"))
    assert_says(read, "03.csv line 1", "no column filename", uav_visloc.CARD)
    for number, value, words in (
        (3, "nan", "expected finite numbers"),
        (8, "", "expected numbers"),
        (3, "119.92", "lat 119.92"),  # latitude and longitude exchanged
        (4, "-119.92", "is outside of the map, 32.15 to 32.31 and 119.9 to 119.94"),
        (1, "../03_0001.JPG", "leads out of the folder"),
    ):
        table.write_text(good)
        rows_of(table, field(number, value))
        assert_says(read, "03.csv line 2", words)
        faults: list[Fault] = []
        assert len(flight(tmp_path, faults)) == 3 and len(faults) == 1
    table.write_text(good)
    for old, new, words in (
        ("satellite03", "satellite04", "has no line of satellite03.tif"),
        ("RB_lat_map", "lat", "no column RB_lat_map"),
        ("32.31", "32.05", "the map reaches from 32.05, 119.9 to 32.15"),
        ("119.94", "nan", "expected finite numbers"),
    ):
        ranges.write_text(good_ranges.replace(old, new))
        assert_says(read, "coordinates_range.csv", words)
    ranges.unlink()
    assert_says(read, "satellite_ coordinates_range.csv: missing", uav_visloc.CARD)


def test_a_flight_without_images_says_so(tmp_path: Path) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    for image in (folder / "drone").iterdir():
        image.unlink()
    assert_says(lambda: flight(tmp_path), "03.csv line 2", "03_0001.JPG is missing or unreadable")


def test_the_map_of_a_flight(tmp_path: Path) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    found = scene_map(folder, tmp_path / "maps")
    assert found.photos == (folder / "satellite03.tif",) and found.dem == ()
    assert found.origin == scene_origin(folder) and found.on_earth
    (folder / "satellite03.tif").rename(folder / "satellite03_01-02.tif")
    (folder / "satellite03_01-01.tif").write_bytes(b"")
    names = [path.name for path in scene_map(folder, tmp_path / "maps").photos]
    assert names == ["satellite03_01-01.tif", "satellite03_01-02.tif"]
    for path in folder.glob("*.tif"):
        path.unlink()
    assert_says(lambda: scene_map(folder, tmp_path), "no satellite03.tif", uav_visloc.CARD)


# AnyVisLoc


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
        rewrite(path, pose_c2w=pose)
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
    rewrite(path, pose_c2w=pose, euler_deg=np.array([0, 30, 45.0]), xyz=np.array([7, 20, 90.0]))
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
        rewrite(path, **arrays)
        assert_says(lambda: place(tmp_path), str(path), words)
        faults: list[Fault] = []
        assert len(place(tmp_path, faults)) == 3 and len(faults) == 1
    path.write_bytes(good[: len(good) // 2])
    assert_says(lambda: place(tmp_path), str(path), "not a readable .npz file")


def test_a_sample_may_name_its_image(tmp_path: Path) -> None:
    folder = surveys.write_anyvisloc(tmp_path, frames=1)
    surveys.draw(folder / "photos" / "1.png", surveys.camera(0, 0))
    path = folder / "L03_0001.npz"
    rewrite(path, image=np.zeros((0,), np.uint8), image_relpath=np.array("photos/1.png"))
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


# OrthoLoC


def test_the_sets_domains_and_places_of_ortholoc(tmp_path: Path) -> None:
    surveys.write_ortholoc(tmp_path, frames=2)
    tags = [view.tags for view in ortholoc.read_views(tmp_path, "full", "test")]
    assert tags == [
        {"place": "L08", "set": "test_inPlace", "map": "same"},
        {"place": "L08", "set": "test_outPlace", "map": "other map"},
    ]
    train = ortholoc.read_views(tmp_path, "full", "train")
    assert [view.sequence for view in train] == ["L01", "L01", "L02", "L02"]
    assert train[0].name == "train/L01_R0000.png" and train[0].image.name == "L01_R0000.npz"
    chosen = ortholoc.read_views(tmp_path, "full", "train", location="L02")
    assert [view.name for view in chosen] == [view.name for view in train[2:]]
    assert ortholoc.read_views(tmp_path, "full", "val", location="L02") == []
    refined = ortholoc.read_views(tmp_path, "full", "train", refined=True)[0]
    moved = refined.T_world_cam.t - train[0].T_world_cam.t
    assert float(moved.norm()) == pytest.approx(0.25 * 3**0.5)


def test_what_is_wrong_with_a_frame_is_one_line(tmp_path: Path) -> None:
    folder = surveys.write_ortholoc(tmp_path, frames=1)
    path = folder / "train" / "L01_R0000.npz"
    good = path.read_bytes()

    def read(faults: list[Fault] | None = None) -> list[View]:
        return ortholoc.read_views(tmp_path, "full", "train", faults=faults)

    cases: list[tuple[dict[str, np.ndarray | None], str]] = [
        ({"extrinsics": None}, "has no array extrinsics"),
        ({"extrinsics": np.full((3, 4), np.nan)}, "extrinsics: expected finite numbers"),
        ({"extrinsics": np.zeros((3, 4))}, "not a rotation"),
        ({"extrinsics": np.zeros((2, 4))}, "expected numbers (3, 4)"),
        ({"intrinsics": np.eye(3)}, "focal length 1 1 px"),
        ({"image_query": None}, "has no image"),
        ({"image_query": np.zeros((48, 64))}, "expected an image, uint8"),
    ]
    for arrays, words in cases:
        path.write_bytes(good)
        rewrite(path, **arrays)
        assert_says(read, str(path), words)
        faults: list[Fault] = []
        assert len(read(faults)) == 1 and len(faults) == 1


def test_the_map_of_a_frame_lies_where_its_pixels_say(tmp_path: Path) -> None:
    folder = surveys.write_ortholoc(tmp_path, frames=1)
    name = "test_inPlace/L08_R0030.png"
    found = scene_map(folder, tmp_path / "maps", frame=name)
    with rasterio.open(found.photos[0]) as file:
        assert tuple(file.bounds) == (-5, -5, 7, 7)
        assert file.read()[:, 0, 0].tolist() == [255, 0, 0]
    with rasterio.open(found.dem[0]) as file:
        assert tuple(file.bounds) == (-5, -5, 7, 7)
        assert np.array_equal(file.read(1), surveys.map_heights(), equal_nan=True)
    assert_says(lambda: scene_map(folder, tmp_path), "each frame has its own map")
    path = folder / "test_inPlace/L08_R0030.npz"
    with np.load(path) as arrays:
        points = arrays["dsm"]
    rewrite(path, dsm=points[::-1])
    assert_says(lambda: ortholoc.sample_map(path), "of no map with x to the right and y up")
    rewrite(path, dsm=points[:5])
    assert_says(lambda: ortholoc.sample_map(path), "expected uint8 and the same shape")
    rewrite(path, dsm=None)
    assert_says(lambda: ortholoc.sample_map(path), "expected an array dsm (H, W, 3)")


def test_a_folder_without_a_map_is_told(tmp_path: Path) -> None:
    assert_says(lambda: scene_map(tmp_path, tmp_path), "no scene of a data set with a map")
