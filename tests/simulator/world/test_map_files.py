"""Maps from files: where their pixels lie, which level is read, which dates and heights there are."""

import logging
import math
import pickle
import sqlite3
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.warp import transform
from rasterio.windows import Window

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.geotiff import enu_crs
from hinted_posenet.simulator.world.map_files import MapFiles, MapPart
from hinted_posenet.simulator.world.map_tiles import EDGE_M

WEST, NORTH = (
    430000.0,
    5400000.0,
)  # UTM 32: a degree west of the central meridian, so that grid north is off


def write(path: Path, bands: np.ndarray, step_m: float = 1.0, **options: Any) -> Path:
    """Write bands (n, rows, cols) as a tiled GeoTIFF."""
    count, rows, cols = bands.shape
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, step_m, step_m)}
    shape = {"driver": "GTiff", "count": count, "height": rows, "width": cols}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **shape, dtype=bands.dtype, **(place | options)) as file:
        file.write(bands)
    return path


def write_photo(path: Path, side: int = 200, grey: int = 90, **options: Any) -> Path:
    return write(path, np.full((3, side, side), grey, np.uint8), **options)


def dots(side: int, places: list[tuple[float, float]]) -> np.ndarray:
    """Soft white dots (3, side, side) around places (col, row), on grey."""
    row, col = np.mgrid[:side, :side] + 0.5
    bright = sum(np.exp(-((col - x) ** 2 + (row - y) ** 2) / 18) for x, y in places)
    return np.repeat((50 + 200 * bright)[None].astype(np.uint8), 3, axis=0)


def brightest_m(part: MapPart, center_m: tuple[float, float], cell_m: float) -> tuple[float, float]:
    """East and north of the center of the light in the first photo."""
    light = part.photo[0, ..., 0].astype(float) - 50
    light[light < 40] = 0
    row, col = np.mgrid[: len(light), : len(light)] + 0.5
    x, y = (light * col).sum() / light.sum(), (light * row).sum() / light.sum()
    half = len(light) / 2
    return center_m[0] + (x - half) * cell_m, center_m[1] + (half - y) * cell_m


@pytest.mark.parametrize("cell_m", [0.5, 1.0, 1.3, 3.0])
def test_a_point_is_where_its_coordinates_say(tmp_path: Path, cell_m: float) -> None:
    """Within a tenth of a cell at every level, though the grid of the file is turned against true north."""
    place = 311.3, 84.6
    world_map = MapFiles(write(tmp_path / "a.tif", dots(400, [place])))
    utm = [WEST + place[0]], [NORTH - place[1]]
    (x,), (y,) = transform(CRS.from_epsg(32632), enu_crs(world_map.origin), *utm)
    center = x + 7.3, y - 4.9
    part = world_map.part(center, 96, cell_m)
    assert math.dist(brightest_m(part, center, cell_m), (x, y)) < 0.1 * cell_m


def test_coarse_cells_come_from_the_overviews(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "a.tif", 1024, 90)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([8], Resampling.average)
    with rasterio.open(path, "r+") as file:  # the overview stays as it is
        file.write(np.full((3, 1024, 1024), 30, np.uint8))
    world_map = MapFiles(path)
    assert {*np.unique(world_map.part((0.0, 0.0), 32, 1.0).photo)} == {30}
    assert {*np.unique(world_map.part((0.0, 0.0), 32, 8.0).photo)} == {90}


def test_coarse_cells_average_the_pixels(tmp_path: Path) -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (3, 256, 128))
    part = MapFiles(write(tmp_path / "a.tif", stripes)).part((0.0, 0.0), 16, 8.0)
    assert np.abs(part.photo.astype(int) - 100).max() < 12


def test_the_map_is_the_union_of_its_dates(tmp_path: Path) -> None:
    write_photo(tmp_path / "a_20150926.tif", grey=40)
    east = from_origin(WEST + 100, NORTH, 1, 1)
    write_photo(tmp_path / "b_2018-07-16.tif", grey=80, transform=east)
    world_map = MapFiles(tmp_path)
    assert world_map.dates == ("2015-09-26", "2018-07-16")
    assert world_map.bounds.width_m == pytest.approx(300, abs=10)
    part = world_map.part(world_map.bounds.center_m, 320, 1.0)
    both = part.known.all(axis=0).mean()
    assert [known.mean() for known in part.known] == pytest.approx([0.39, 0.39], abs=0.02)
    assert both == pytest.approx(0.195, abs=0.02)
    assert {*np.unique(part.photo[0][part.known[0]])} == {40}
    assert part.photo[~part.known].size


def test_beyond_the_map_nothing_is_known(tmp_path: Path) -> None:
    part = MapFiles(write_photo(tmp_path / "a.tif")).part((5000.0, 0.0), 32, 1.0)
    assert not part.known.any()
    assert part.photo.shape == (1, 32, 32, 3)


def test_files_without_dates_are_one_date_each(tmp_path: Path) -> None:
    write_photo(tmp_path / "before.tif")
    write_photo(tmp_path / "after.tif")
    assert MapFiles(tmp_path).dates == ("after", "before")


def test_tiles_without_dates_are_one_mosaic(tmp_path: Path) -> None:
    for col in range(3):
        place = from_origin(WEST + 190 * col, NORTH, 1, 1)
        write_photo(tmp_path / f"ortho_{col}_0.tif", grey=40 + col, transform=place)
    world_map = MapFiles(tmp_path)
    assert world_map.dates == ("ortho",)
    part = world_map.part(world_map.bounds.center_m, 180, 1.0)
    assert part.known.all()


def test_dates_may_be_stated(tmp_path: Path) -> None:
    one, other = write_photo(tmp_path / "x.tif", grey=10), write_photo(tmp_path / "y.tif", grey=20)
    world_map = MapFiles({"2020": other, "2019": [one]})
    assert world_map.dates == ("2019", "2020")
    assert world_map.part((0.0, 0.0), 8, 1.0).photo[:, 0, 0, 0].tolist() == [10, 20]


def test_a_black_border_is_no_ground_but_a_dark_dot_is(tmp_path: Path) -> None:
    photo = np.full((3, 200, 200), 90, np.uint8)
    photo[:, :, :40] = 0
    photo[:, 100:103, 100:103] = 0
    known = MapFiles(write(tmp_path / "a.tif", photo)).part((0.0, 0.0), 160, 1.0).known[0]
    assert not known[40:120, :16].any()
    assert known[40:120, 30:].all()


def write_tiles(folder: Path, zoom: int, first: tuple[int, int], tiles: np.ndarray) -> None:
    """Write grey tiles (rows, cols) of a zoom; 0 leaves one out."""
    for (row, col), grey in np.ndenumerate(tiles):
        path = folder / str(zoom) / str(first[0] + col) / f"{first[1] + row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if grey:
            cv2.imwrite(str(path), np.full((256, 256, 3), grey, np.uint8))


def test_xyz_tiles_are_read_at_the_deepest_complete_zoom(tmp_path: Path) -> None:
    col, row = 2 * 17105, 2 * 11372
    write_tiles(tmp_path, 15, (col // 2, row // 2), np.array([[200, 201]]))
    write_tiles(tmp_path, 16, (col, row), np.array([[100, 110, 120, 130], [140, 150, 160, 0]]))
    write_tiles(tmp_path, 17, (2 * col, 2 * row), np.array([[50]]))
    world_map = MapFiles(tmp_path)
    tile_m = 2 * EDGE_M / 2**16
    mercator = [-EDGE_M + (col + 2.5) * tile_m], [EDGE_M - (row + 0.5) * tile_m]
    (x,), (y,) = transform(CRS.from_epsg(3857), enu_crs(world_map.origin), *mercator)
    latitude = math.radians(world_map.origin.latitude_deg)
    assert world_map.resolution_m == pytest.approx(tile_m / 256 * math.cos(latitude), rel=0.01)
    part = world_map.part((x, y), 64, world_map.resolution_m)
    assert part.known.all() and {*np.unique(part.photo)} == {120}
    part = world_map.part((x, y), 64, 2 * world_map.resolution_m)
    assert {*np.unique(part.photo)} == {201}, "the coarser zoom is the overview"
    whole = world_map.part(world_map.bounds.center_m, 1100, world_map.resolution_m)
    assert 0.85 < whole.known.sum() / (7 * 256**2) < 1.05


def test_a_point_of_a_tile_is_where_its_coordinates_say(tmp_path: Path) -> None:
    zoom, col, row, place = 18, 136800, 91000, (100.3, 57.6)  # pixels of the tile
    path = tmp_path / str(zoom) / str(col) / f"{row}.png"
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), dots(256, [place]).transpose(1, 2, 0))
    world_map = MapFiles(tmp_path)
    tile_m = 2 * EDGE_M / 2**zoom
    east = [-EDGE_M + (col + place[0] / 256) * tile_m]
    north = [EDGE_M - (row + place[1] / 256) * tile_m]
    (x,), (y,) = transform(CRS.from_epsg(3857), enu_crs(world_map.origin), east, north)
    cell_m = world_map.resolution_m
    part = world_map.part((x + 3, y - 2), 80, cell_m)
    assert math.dist(brightest_m(part, (x + 3, y - 2), cell_m), (x, y)) < 0.1 * cell_m


def test_tiles_of_gdal2tiles_count_rows_from_the_south(tmp_path: Path) -> None:
    write_tiles(tmp_path, 16, (34210, 2**16 - 1 - 22745), np.array([[100], [200]]))
    (tmp_path / "tilemapresource.xml").write_text("<TileMap/>")
    world_map = MapFiles(tmp_path)
    assert world_map.origin.latitude_deg == pytest.approx(48.5, abs=0.5)
    x, y = world_map.bounds.center_m
    assert {*np.unique(world_map.part((x, y + 100), 32, 1.0).photo)} == {200}


def test_mbtiles_are_read(tmp_path: Path) -> None:
    path = tmp_path / "map.mbtiles"
    image = cv2.imencode(".png", np.full((256, 256, 3), 70, np.uint8))[1].tobytes()
    with sqlite3.connect(path) as base:
        base.execute("create table metadata (name text, value text)")
        base.execute(
            "create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"
        )
        facts = {"name": "map", "format": "png", "minzoom": "16", "maxzoom": "16"}
        base.executemany("insert into metadata values (?, ?)", facts.items())
        base.execute("insert into tiles values (16, 34210, ?, ?)", (2**16 - 1 - 22744, image))
    base.close()
    world_map = MapFiles(path)
    part = world_map.part(world_map.bounds.center_m, 64, 2.0)
    assert {*np.unique(part.photo[part.known])} == {70}


def test_heights_lie_under_their_photo_and_in_metres(tmp_path: Path) -> None:
    """A plane that rises to the east, in feet, on a grid of its own."""
    photo = write_photo(tmp_path / "photo.tif")
    east = np.broadcast_to((np.arange(150) + 0.5) * 2.0 / 0.3048, (150, 150)).astype(np.float32)
    dem = write(
        tmp_path / "dem.tif", east[None], 2.0, transform=from_origin(WEST - 50, NORTH + 50, 2, 2)
    )
    with rasterio.open(dem, "r+") as file:
        file.units = ["ft"]
    height = MapFiles(photo, dem, "ellipsoid").part((0.0, 0.0), 100, 1.0).height_m
    assert height[50, 49:51].mean() == pytest.approx(
        150, abs=0.05
    )  # the middle is 100 m east of the edge
    assert (height[50, 60] - height[50, 40]) == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("crs", "stated", "expected"),
    [
        ("EPSG:32632", None, "unknown"),
        ("EPSG:32632", "geoid", "geoid"),
        ("EPSG:32632+5773", None, "geoid"),
        ("EPSG:4979", None, "ellipsoid"),
    ],
)
def test_what_heights_are_above(
    tmp_path: Path, crs: str, stated: str | None, expected: str
) -> None:
    photo = write_photo(tmp_path / "photo.tif")
    place = {} if "32632" in crs else {"transform": from_origin(8.0, 49.0, 1e-4, 1e-4)}
    dem = write(tmp_path / "dem.tif", np.full((1, 300, 300), 5, np.float32), crs=crs, **place)
    assert MapFiles(photo, dem, stated).origin.vertical == expected


def test_a_statement_that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.tif")
    dem = write(tmp_path / "dem.tif", np.zeros((1, 300, 300), np.float32), crs="EPSG:32632+5773")
    with pytest.raises(InputError, match=r"above the geoid by its CRS, expected ellipsoid"):
        MapFiles(photo, dem, "ellipsoid")
    with pytest.raises(InputError, match="dem_above=sea: expected one of ellipsoid, geoid"):
        MapFiles(photo, dem, "sea")


def test_small_gaps_in_heights_are_filled_and_large_ones_unknown(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.tif", 400)
    slope = np.broadcast_to(np.arange(400, dtype=np.float32), (400, 400)).copy()
    slope[190:210, 190:210] = -9999
    slope[:, :100] = -9999
    dem = write(tmp_path / "dem.tif", slope[None], nodata=-9999)
    part = MapFiles(photo, dem).part((0.0, 0.0), 360, 1.0)
    assert part.known[0, 100:260, 100:].all()
    assert part.height_m[180, 180] == pytest.approx(200, abs=4)
    assert not part.known[0, 100:260, :30].any()
    assert np.isfinite(part.height_m).all() and part.height_m.min() > 80


def test_without_heights_the_ground_is_level(tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        world_map = MapFiles(write_photo(tmp_path / "a.tif"), ground_m=310.0)
    assert "level at 310 m; give dem=FILE" in caplog.text
    assert {*np.unique(world_map.part((0.0, 0.0), 8, 1.0).height_m)} == {310.0}


def test_a_vast_map_is_read_by_windows(tmp_path: Path, caplog: Any) -> None:
    """1.2 GB of pixels, nearly all of them absent from the file."""
    path, side = tmp_path / "vast.tif", 20000
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, 0.5, 0.5)}
    shape = {"width": side, "height": side, "count": 3, "tiled": True, "SPARSE_OK": True}
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", **shape, **place) as file:
        file.write(np.full((3, 512, 512), 77, np.uint8), window=Window(9728, 9728, 512, 512))
    tracemalloc.start()
    world_map = MapFiles(path)
    part = world_map.part(world_map.bounds.center_m, 300, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6
    assert part.photo.max() == 77
    with caplog.at_level(logging.WARNING):
        world_map._warn_if_slow(world_map._pyramids["vast"]._grid(5))
    assert "run: rio overview --build" in caplog.text


def test_a_map_goes_to_other_processes(tmp_path: Path) -> None:
    world_map = MapFiles(write(tmp_path / "a.tif", dots(200, [(90.0, 80.0)])))
    before = world_map.part((0.0, 0.0), 64, 1.0)
    after = pickle.loads(pickle.dumps(world_map)).part((0.0, 0.0), 64, 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_files_that_are_no_map_are_named(tmp_path: Path) -> None:
    heights = write(tmp_path / "dsm.tif", np.zeros((1, 50, 50), np.float32))
    with pytest.raises(InputError, match=r"dsm.tif: one band of float32 looks like heights.* dem="):
        MapFiles(heights)
    with pytest.raises(InputError, match="no such file or folder; set map to"):
        MapFiles(tmp_path / "absent.tif")
    plain = tmp_path / "plain.jpg"
    cv2.imwrite(str(plain), np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(
        InputError, match=r"plain.jpg: GeoTIFF without georeference; run: rio edit-info"
    ):
        MapFiles(plain)
