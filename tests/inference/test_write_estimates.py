"""Estimates in every format, read back by the readers of this package and of the formats."""

import csv
import json
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.inference.estimate_row import EstimateRow
from hinted_posenet.inference.write_estimates import poses_format, write_estimates

ORIGIN = Origin(longitude_deg=8.5, latitude_deg=47.4, altitude_m=400.0, vertical="ellipsoid")
KML = "{http://www.opengis.net/kml/2.2}"


def row(name: str, time_s: float | None = None) -> EstimateRow:
    """A camera that looks down from 100 m east, 200 m north and 50 m up, the top of its image to the east."""
    q = torch.tensor([0.0, math.sqrt(0.5), -math.sqrt(0.5), 0.0], dtype=torch.float64)
    sigma = torch.tensor([3.0, 4.0, 5.0, 0.01, 0.02, 0.03], dtype=torch.float64)
    covariance = torch.diag(sigma.square())
    covariance[0, 1] = covariance[1, 0] = 6.0
    position = torch.tensor([100.1, 200.2, 50.3], dtype=torch.float64)
    return EstimateRow(name, Pose(position, q), covariance, "ok", time_s)


ROWS = [row("b c.jpg"), EstimateRow.unanswered("a.jpg", "outside the map")]


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".tum"])
def test_poses_are_read_back_and_none_is_dropped(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"poses{suffix}"
    write_estimates(path, ROWS)
    found = read_poses_file(path)
    assert found.names == (["0", "1"] if suffix == ".tum" else ["b c.jpg", "a.jpg"])
    assert found.failed == [1]
    assert torch.allclose(found.T_world_cam.t[0], ROWS[0].pose.t, rtol=0, atol=1e-12)
    assert rotation_angle(found.T_world_cam.q[0], ROWS[0].pose.q) < 1e-12
    assert list(tmp_path.iterdir()) == [path]
    if suffix != ".csv":
        assert "\n# a.jpg: outside the map\n" in path.read_text()


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_sigmas_times_and_statuses(tmp_path: Path) -> None:
    path = tmp_path / "poses.csv"
    unknown = row("c.jpg", 1.25)
    unknown.covariance[5, 5] = torch.inf
    write_estimates(path, [*ROWS, unknown])
    first, second, third = read_csv(path)
    assert list(first)[:7] == ["name", "time_s", "status", "hint", "steps", "out_of_map", "x_m"]
    assert [float(first[f"{axis}_m"]) for axis in "xyz"] == [100.1, 200.2, 50.3]
    assert [float(first[f"sigma_{axis}_m"]) for axis in "xyz"] == [3, 4, 5]
    angles_deg = [float(first[f"sigma_r{axis}_deg"]) for axis in "xyz"]
    assert angles_deg == pytest.approx([math.degrees(value) for value in (0.01, 0.02, 0.03)])
    assert (first["status"], first["time_s"]) == ("ok", "")
    assert (second["status"], second["x_m"], second["sigma_x_m"]) == (
        "outside the map",
        "nan",
        "nan",
    )
    assert (third["time_s"], third["sigma_rz_deg"]) == ("1.25", "inf")
    assert "latitude_deg" not in first
    assert "cov_xx" not in first


def test_the_csv_has_places_and_the_covariance_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "poses.csv"
    write_estimates(path, ROWS, origin=ORIGIN, covariance=True)
    first, second = read_csv(path)
    metres_per_deg = 111_170  # of latitude at 47 degrees
    assert float(first["latitude_deg"]) == pytest.approx(47.4 + 200.2 / metres_per_deg, abs=1e-6)
    assert float(first["longitude_deg"]) > 8.5
    assert float(first["altitude_m"]) == pytest.approx(450.3)
    assert sum(column.startswith("cov_") for column in first) == 21
    assert [float(first[key]) for key in ("cov_xx", "cov_xy", "cov_yy", "cov_zz")] == [9, 6, 16, 25]
    assert float(first["cov_rzrz"]) == pytest.approx(0.0009)
    assert second["latitude_deg"] == "nan"


def test_tum_has_times_where_all_are_known(tmp_path: Path) -> None:
    path = tmp_path / "poses.tum"
    write_estimates(path, [row("v#0", 0.5), row("v#1", 0.75)])
    assert read_poses_file(path).names == ["0.5", "0.75"]
    with pytest.raises(InputError, match=r"poses.tum: p.jpg has no time, others have"):
        write_estimates(path, [row("v#0", 0.5), row("p.jpg")])


def test_kml_places_the_camera_and_its_ellipse(tmp_path: Path) -> None:
    path = tmp_path / "poses.kml"
    rows = [*ROWS, row("<&>.jpg")]
    write_estimates(path, rows, origin=ORIGIN._replace(vertical="geoid"))
    once = path.read_bytes()
    write_estimates(path, rows, origin=ORIGIN._replace(vertical="geoid"))
    assert path.read_bytes() == once
    document = ElementTree.fromstring(once)
    cameras, ellipses = document.iter(f"{KML}Folder")
    names = [name.text for name in cameras.iter(f"{KML}name")]
    assert names == ["cameras", "b c.jpg", "<&>.jpg"]
    (first, _) = cameras.iter(f"{KML}coordinates")
    longitude, latitude, altitude_m = (float(part) for part in (first.text or "").split(","))
    assert (longitude, latitude) == pytest.approx((8.50132, 47.4018), abs=1e-4)
    assert altitude_m == pytest.approx(450.3)
    assert [mode.text for mode in cameras.iter(f"{KML}altitudeMode")] == ["absolute"] * 2
    headings = {float(heading.text or "") for heading in document.iter(f"{KML}heading")}
    assert headings == {90.0}
    outline = next(ellipses.iter(f"{KML}coordinates")).text or ""
    assert len(outline.split()) == 65
    description = next(document.iter(f"{KML}description")).text
    assert description == "Without an answer:\na.jpg: outside the map"


def test_kml_without_a_geoid_lies_on_the_ground(tmp_path: Path) -> None:
    path = tmp_path / "poses.kml"
    write_estimates(path, ROWS, origin=ORIGIN)
    assert "<altitudeMode>clampToGround</altitudeMode>" in path.read_text()
    assert "altitude_above: ellipsoid" in path.read_text()


def test_geojson_keeps_images_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "poses.geojson"
    write_estimates(path, ROWS, origin=ORIGIN)
    point, polygon, unanswered = json.loads(path.read_text())["features"]
    assert point["geometry"]["type"] == "Point"
    assert point["geometry"]["coordinates"] == pytest.approx([8.501326, 47.401801, 450.3], abs=1e-4)
    properties = point["properties"]
    assert (properties["heading_deg"], properties["pitch_deg"]) == (90.0, -90.0)
    assert (properties["sigma_x_m"], properties["sigma_heading_deg"]) == (3.0, 1.719)
    (ring,) = polygon["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    assert unanswered["geometry"] is None
    assert unanswered["properties"]["status"] == "outside the map"
    # the altitude of GeoJSON is above the ellipsoid, so another one is no coordinate
    write_estimates(path, ROWS, origin=ORIGIN._replace(vertical="geoid"))
    point = json.loads(path.read_text())["features"][0]
    assert len(point["geometry"]["coordinates"]) == 2
    assert point["properties"]["altitude_above"] == "geoid"


def test_formats_are_chosen_by_suffix_or_key() -> None:
    assert poses_format(Path("a.TXT")) == "text"
    assert poses_format(Path("a.dat"), "tum") == "tum"
    with pytest.raises(InputError, match=r"out=a.dat: expected a suffix among .csv"):
        poses_format(Path("a.dat"))
    with pytest.raises(InputError, match=r"poses_format=geo_json: .*did you mean geojson"):
        poses_format(Path("a.csv"), "geo_json")


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    for suffix in (".kml", ".geojson"):
        with pytest.raises(InputError, match="the scene has no geographic origin"):
            write_estimates(tmp_path / f"a{suffix}", ROWS)
    with pytest.raises(InputError, match="covariance=true adds columns to a CSV"):
        write_estimates(tmp_path / "a.tum", ROWS, covariance=True)
    assert not list(tmp_path.iterdir())
