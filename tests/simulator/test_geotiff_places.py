"""Where GeoTIFFs lie: rotated, by points, in a frame of their own; and files that are damaged or black in part."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
import rasterio
from hostile import examples, mutated, survives
from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.transform import from_origin

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

from .conftest import noise, photo_of
from .test_geotiff_bands import NORTH, STEP_M, WEST, follow, write

UTM = "EPSG:32632"


def test_a_rotated_photo_lies_where_it_says(tmp_path: Path) -> None:
    assert_dot_is_in_place(tmp_path, by_points=False)


def test_a_photo_that_is_placed_by_points_lies_where_they_say(tmp_path: Path) -> None:
    assert_dot_is_in_place(tmp_path, by_points=True)


def assert_dot_is_in_place(folder: Path, by_points: bool) -> None:
    """Find a white dot of a photo that is turned by 30 degrees, and compare resolution and place."""
    transform = from_origin(WEST, NORTH, STEP_M, STEP_M) * Affine.rotation(30)
    rgb = np.full((3, 300, 300), 50, np.uint8)
    rgb[:, 99:102, 199:202] = 250
    path = write(folder / "a_20200601.tif", rgb, **({} if by_points else {"transform": transform}))
    if by_points:
        place_by_points(path, transform)
    world = OrthophotoWorld([path])
    assert world.pixel_grid.resolution_m == pytest.approx(STEP_M, rel=2e-3)
    photo = photo_of(world, world.captures[0])[..., 0].astype(float) - 50
    x_m, y_m = world.pixel_grid.axes(world.pixel_grid.window)
    found = np.array([(photo.sum(0) * x_m).sum(), (photo.sum(1) * y_m).sum()]) / photo.sum()
    center = np.array(transform * (150, 150))
    away = np.array(transform * (200.5, 100.5)) - center
    assert np.hypot(*found) == pytest.approx(np.hypot(*away), abs=1)
    assert (
        np.abs(found - away).max() < 1
    )  # the frame is turned against UTM by a fraction of a degree


def place_by_points(path: Path, transform: Affine, off_px: float = 0.0) -> None:
    places = [(0, 0), (300, 0), (0, 300), (300, 300), (150, 150)]
    points = [GroundControlPoint(row, col, *(transform * (col, row)), 0.0) for col, row in places]
    points[-1].x += off_px * STEP_M
    with rasterio.open(path) as file:
        bands = file.read()
    shape = {"driver": "GTiff", "count": 3, "height": 300, "width": 300, "dtype": "uint8"}
    with rasterio.open(path, "w", **shape) as file:
        file.write(bands)
        file.gcps = (points, rasterio.CRS.from_string(UTM))


def test_points_that_bend_the_photo_are_refused_with_the_right_resolution(tmp_path: Path) -> None:
    path = write(tmp_path / "a_20200601.tif", noise(300, 300).transpose(2, 0, 1))
    place_by_points(path, from_origin(WEST, NORTH, STEP_M, STEP_M), off_px=40)
    with pytest.raises(InputError, match=r"32\.0 pixels off .*gdalwarp -tps -tr 2 2 .*a_20200601"):
        OrthophotoWorld([path])


def test_a_photo_without_a_place_gets_one(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a_20200601.tif", noise(60, 60).transpose(2, 0, 1), crs=None, transform=None
    )
    with pytest.raises(InputError, match="without georeference") as error:
        OrthophotoWorld([path])
    filled = str(error.value).replace("CODE", "32632").replace("METRES_A_PIXEL", "2.0")
    follow(InputError(filled.replace("WEST", f"{WEST}").replace("NORTH", f"{NORTH}")))
    assert OrthophotoWorld([path]).pixel_grid.resolution_m == pytest.approx(2, rel=1e-2)


@pytest.mark.parametrize("step", [0.05, 2.0])
def test_a_local_frame_that_claims_degrees_is_refused(tmp_path: Path, step: float) -> None:
    path = write(
        tmp_path / "a_20200601.tif",
        noise(60, 60).transpose(2, 0, 1),
        crs="EPSG:4326",
        transform=from_origin(0, 60 * step, step, step),
    )
    with pytest.raises(InputError, match="look like metres of a local frame") as error:
        OrthophotoWorld([path])
    follow(InputError(str(error.value).replace("LATITUDE", "47.5").replace("LONGITUDE", "8.5")))
    world = OrthophotoWorld([path])
    assert world.pixel_grid.resolution_m == pytest.approx(step, rel=1e-2)
    assert world.origin is not None and world.origin.latitude_deg == pytest.approx(47.5, abs=0.01)


@pytest.mark.parametrize("compress", ["none", "deflate"])
@pytest.mark.parametrize("what", ["photo", "heights"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, what: str, compress: str) -> None:
    rng = np.random.default_rng(0)
    photo = write(
        tmp_path / "a_20200601.tif", noise(600, 600).transpose(2, 0, 1), compress=compress
    )
    heights = rng.random((1, 700, 700)).astype(np.float32)
    around = from_origin(WEST - 50, NORTH + 50, STEP_M, STEP_M)
    dsm = write(tmp_path / "dsm.tif", heights, compress=compress, transform=around)
    broken = photo if what == "photo" else dsm
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=rf"{broken.name}: .*(cut off|readable).*fetch"):
        OrthophotoWorld(photo, surface=dsm)


@pytest.mark.parametrize(
    "count", [examples(20), pytest.param(examples(200), marks=pytest.mark.slow)]
)
def test_damaged_files_give_a_world_or_one_line(tmp_path: Path, count: int) -> None:
    photo = write(tmp_path / "a_20200601.tif", noise(40, 40).transpose(2, 0, 1), compress="lzw")
    heights = np.full((1, 60, 60), 100, np.float32)
    around = from_origin(WEST - 20, NORTH + 20, STEP_M, STEP_M)
    dsm = write(tmp_path / "dsm.tif", heights, transform=around, nodata=-9999)
    content = {path: path.read_bytes() for path in (photo, dsm)}

    def world() -> None:
        found = OrthophotoWorld(photo, surface=dsm)
        photo_of(found, found.captures[0])
        found.surface_at(0.0, 0.0)

    for seed in range(count):
        for path, whole in content.items():
            path.write_bytes(mutated(whole, Random(seed)) if seed % 2 == (path == dsm) else whole)
        survives(world)


def test_a_black_collar_is_named_and_can_be_declared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rgb = noise(300, 300).transpose(2, 0, 1)
    rgb[:, :, 240:] = 0
    path = write(tmp_path / "a_20200601.tif", rgb)
    wide = OrthophotoWorld([path])
    (message,) = (text for text in caplog.messages if "pure black" in text)
    assert "a_20200601.tif: 20 % of the photo is pure black" in message
    caplog.clear()
    follow(InputError(message))
    world = OrthophotoWorld([path])
    assert world.bounds.width_m == pytest.approx(0.8 * wide.bounds.width_m, rel=0.02)
    assert not any("pure black" in text for text in caplog.messages)


def test_a_date_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    path = write(tmp_path / "a_20200601.tif", noise(60, 60).transpose(2, 0, 1))
    message = r"no capture or season '2009-08-18'; it has 2020-06-01 \(summer\); name these in train_dates"
    with pytest.raises(InputError, match=message):
        OrthophotoWorld([path]).select("2009-08-18")
