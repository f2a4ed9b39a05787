"""Way points: the path is flown, and every mistake in a file is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.way_points import WayPointsPlan
from hinted_posenet.simulator.world import ArrayWorld, Capture, PixelGrid

CAMERA = Camera(16, 12, hfov_deg=60.0)
GRID = PixelGrid(-200, 200, 1.0, 400, 400)
SUMMER = Capture("summer", "summer", "2025-07-01")
ORIGIN = Origin(10.0, 50.0)
HEADER = "longitude_deg,latitude_deg,altitude_m\n"


def fly(path: Path, origin: Origin | None = ORIGIN, count: int = 5) -> list[Pose]:
    photo = np.zeros((400, 400, 3), np.uint8)
    world = ArrayWorld(GRID, {SUMMER: photo}, np.full((51, 51), 7, np.float32), 8, origin)
    return WayPointsPlan(path).poses(world, CAMERA, count, np.random.default_rng(0))


def test_csv_and_geojson_fly_the_same_path(tmp_path: Path) -> None:
    table, shape = tmp_path / "path.csv", tmp_path / "path.geojson"
    table.write_text(HEADER + "10.0,50.0,50\n10.0,50.001,60\n")
    line = {"type": "LineString", "coordinates": [[10.0, 50.0, 50], [10.0, 50.001, 60]]}
    shape.write_text(json.dumps({"type": "Feature", "geometry": line}))
    places = [np.stack([pose.t.numpy() for pose in fly(path)]) for path in (table, shape)]
    assert np.array_equal(*places)
    assert np.allclose(places[0][0], [0, 0, 57], atol=1e-6)
    assert np.allclose(places[0][:, 2], [57, 59.5, 62, 64.5, 67])
    # a thousandth of a degree of the meridian at 50 degrees north (WGS84)
    assert places[0][-1, 1] == pytest.approx(111.229, abs=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "10,50,50\n10.1,50,50\n", "line 3: lies outside"),
        (HEADER + "10,50,50\n10,north,50\n", "line 3: expected numbers"),
        (HEADER + "10,50,50\n10,50,50\n", "line 3: same place"),
        (HEADER + "10,50,50\n", "at least 2"),
        ("lon,lat\n1,2\n", "line 1: expected the columns"),
        (HEADER + "50,100,50\n10,50,50\n", "line 2: .*WGS84"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "path.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        fly(path)


def test_geojson_and_origin_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "path.geojson"
    path.write_text('{"features": [{"geometry": {"type": "Polygon", "coordinates": []}}]}')
    with pytest.raises(InputError, match="feature 0"):
        fly(path)
    with pytest.raises(InputError, match="origin"):
        fly(path, None)
