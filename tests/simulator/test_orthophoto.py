import math
import os
from pathlib import Path

import numpy as np
import pytest
from rasterio.warp import transform

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import season_of
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

from .conftest import noise, photo_of, write_geotiff

DATA = Path(os.environ.get("HINTED_POSENET_DATA", Path(__file__).parents[3] / "shared" / "data"))
EARTH_RADIUS_M = 6378137.0


def test_web_mercator_becomes_true_ground_metres(tmp_path: Path) -> None:
    latitude_deg, res = 46.3, 2.0
    (west,), (north,) = transform("EPSG:4326", "EPSG:3857", [8.0], [latitude_deg])
    rgb = np.full((400, 600, 3), 40, np.uint8)
    dots = [(200, 100), (200, 500), (100, 300), (300, 300)]  # (row, col)
    for row, col in dots:
        rgb[row - 2 : row + 3, col - 2 : col + 3] = 250
    file = write_geotiff(tmp_path / "a_20200704.tif", rgb, "EPSG:3857", west, north, res)
    world = OrthophotoWorld([file])
    photo = photo_of(world, world.captures[0])[..., 0].astype(float) - 40
    center_m = []
    for row, col in dots:
        scale = photo.shape[1] / 600
        r, c = round(row * scale), round(col * scale)
        window = np.clip(photo[r - 12 : r + 12, c - 12 : c + 12], 0, None)
        v, u = np.mgrid[r - 12 : r + 12, c - 12 : c + 12] + 0.5
        bounds = world.bounds
        x = bounds.xmin + (u * window).sum() / window.sum() * bounds.width_m / photo.shape[1]
        y = bounds.ymax - (v * window).sum() / window.sum() * bounds.height_m / photo.shape[0]
        center_m.append((x, y))
    (x0, y0), (x1, _), (_, y2), (_, y3) = center_m
    # geographic distances on the ellipsoid between the same dots
    f = 1 / 298.257223563
    e2 = f * (2 - f)
    sine2 = math.sin(math.radians(latitude_deg)) ** 2
    longitude_step = 400 * res / EARTH_RADIUS_M
    east_m = (
        longitude_step
        * math.cos(math.radians(latitude_deg))
        * EARTH_RADIUS_M
        / math.sqrt(1 - e2 * sine2)
    )
    _, latitudes = transform(
        "EPSG:3857", "EPSG:4326", [west, west], [north - 100.5 * res, north - 300.5 * res]
    )
    meridian_radius_m = EARTH_RADIUS_M * (1 - e2) / (1 - e2 * sine2) ** 1.5
    north_m = math.radians(latitudes[0] - latitudes[1]) * meridian_radius_m
    assert x1 - x0 == pytest.approx(east_m, rel=1e-3)
    assert y2 - y3 == pytest.approx(north_m, rel=1e-3)
    assert world.origin is not None
    assert world.origin.latitude_deg == pytest.approx(latitude_deg, abs=0.01)
    assert abs(y0) < 2  # the middle row of the picture lies at the origin


def test_bounds_are_what_all_dates_cover_and_nodata_is_filled(tmp_path: Path) -> None:
    first, second = noise(200, 300, 4), noise(200, 300, 4)
    first[50:60, 50:60] = 0  # a hole
    a = write_geotiff(tmp_path / "a_20150926.tif", first, "EPSG:32614", 500000, 5200000, 5.0)
    b = write_geotiff(tmp_path / "b_20180716.tif", second, "EPSG:32614", 500100, 5199950, 5.0)
    world = OrthophotoWorld(tmp_path)
    assert [capture.date for capture in world.captures] == ["2015-09-26", "2018-07-16"]
    assert [capture.season for capture in world.captures] == ["autumn", "summer"]
    assert world.bounds.width_m == pytest.approx(1400, abs=15)
    assert world.bounds.height_m == pytest.approx(950, abs=15)
    for capture in world.captures:
        assert photo_of(world, capture).shape == photo_of(world, world.captures[0]).shape
    named = OrthophotoWorld({"2015-09-26": a, "20180716": b}, seasons={"2018-07-16": "dry"})
    assert named.captures[1].season == "dry"


def test_errors_name_file_and_fix(tmp_path: Path) -> None:
    bare = write_geotiff(tmp_path / "bare_20200101.tif", noise(8, 8), None, 0, 0, 1)
    with pytest.raises(InputError, match=r"bare_20200101\.tif: GeoTIFF without georeference"):
        OrthophotoWorld([bare])
    undated = write_geotiff(tmp_path / "undated.tif", noise(8, 8), "EPSG:32614", 5e5, 5e6, 1)
    with pytest.raises(InputError, match=r"undated\.tif: no date"):
        OrthophotoWorld([undated])
    with pytest.raises(InputError, match="no such file or folder"):
        OrthophotoWorld(tmp_path / "absent")
    far = write_geotiff(tmp_path / "far_20210101.tif", noise(8, 8), "EPSG:32614", 6e5, 5e6, 1)
    with pytest.raises(InputError, match="no ground in common"):
        OrthophotoWorld({"2020-01-01": undated, "2021-01-01": far})
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        OrthophotoWorld({"yesterday": undated})


def test_seasons_by_month() -> None:
    months = {1: "winter", 3: "spring", 6: "summer", 9: "autumn", 12: "winter"}
    assert all(season_of(f"2020-{month:02}-15") == name for month, name in months.items())
    assert season_of("2020-01-15", latitude_deg=-30.0) == "summer"


@pytest.mark.realdata
@pytest.mark.skipif(not (DATA / "aerial").exists(), reason=f"no real data at {DATA}")
def test_real_orthophotos() -> None:
    world = OrthophotoWorld(DATA / "aerial" / "naip_north_dakota")
    assert len(world.captures) == 7
    assert 4640 < world.bounds.width_m < 4672
    assert 3580 < world.bounds.height_m < 3622
    photos = [photo_of(world, capture) for capture in world.captures]
    assert len({photo.shape for photo in photos}) == 1
    town = OrthophotoWorld({"2020-07-01": DATA / "aerial" / "swissimage_naters" / "naters.tif"})
    assert 2550 < town.bounds.width_m < 2600  # 3,745 map metres x cos(46.3 deg)
    assert 1340 < town.bounds.height_m < 1385
