"""UAV-VisLoc: its world, its labels and map, and what is wrong on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import surveys
import torch
from layouts import assert_says

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import uav_visloc
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.notes import collected_notes
from hinted_posenet.data.formats.scene_map import scene_map
from hinted_posenet.simulator.world.map_files import MapFiles


def rows_of(path: Path, edit: Callable[[list[str]], list[str]], line: int = 2) -> None:
    """Replace the fields of a line of a table, the header being line 1."""
    lines = path.read_text().splitlines()
    lines[line - 1] = ",".join(edit(lines[line - 1].split(",")))
    path.write_text("\n".join(lines) + "\n")


def field(number: int, value: str) -> Callable[[list[str]], list[str]]:
    return lambda fields: [*fields[:number], value, *fields[number + 1 :]]


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


def test_a_flight_is_seen_on_its_map(tmp_path: Path) -> None:
    folder = surveys.write_uav_visloc(tmp_path, frames=1)
    found = scene_map(folder, tmp_path / "maps")
    opened = MapFiles(list(found.photos), origin=found.origin)
    bounds = opened.bounds
    assert bounds.xmin == pytest.approx(-bounds.xmax, rel=1e-3)
    assert bounds.ymax - bounds.ymin == pytest.approx(0.16 * 110_900, rel=1e-3)
