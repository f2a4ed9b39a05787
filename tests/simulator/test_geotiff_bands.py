"""What orthophotos and heights mean: colours, units, nodata; and advice that is followed as it is given."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from rasterio.enums import ColorInterp
from rasterio.rio.main import main_group
from rasterio.transform import from_origin

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

from .conftest import photo_of

SIDE, WEST, NORTH, STEP_M = 60, 500000.0, 5400000.0, 2.0
COLOURS = {"red": 200, "green": 120, "blue": 40}


def write(path: Path, bands: np.ndarray, **options: Any) -> Path:
    """Write bands (n, rows, cols), by default around the same place."""
    names = options.pop("colours", None)
    units, scale = options.pop("units", None), options.pop("scale", None)
    grid = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, STEP_M, STEP_M)}
    count, rows, cols = bands.shape
    shape = {"driver": "GTiff", "count": count, "height": rows, "width": cols}
    with rasterio.open(path, "w", **shape, dtype=bands.dtype, **(grid | options)) as file:
        file.write(bands)
        if names:
            file.colorinterp = [ColorInterp[name] for name in names]
        if units:
            file.units = [units]
        if scale:
            file.scales, file.offsets = [scale[0]], [scale[1]]
    return path


def write_photo(folder: Path, **options: Any) -> Path:
    bands = options.pop("bands", None)
    if bands is None:
        bands = np.stack([np.full((SIDE, SIDE), grey, np.uint8) for grey in COLOURS.values()])
    return write(folder / "photo_20200601.tif", bands, **options)


def write_heights(folder: Path, heights: np.ndarray, margin: int = 5, **options: Any) -> Path:
    """Write heights of the photo's ground and ``margin`` pixels around it."""
    where = from_origin(WEST - margin * STEP_M, NORTH + margin * STEP_M, STEP_M, STEP_M)
    return write(folder / "dsm.tif", heights[None], transform=where, **options)


def follow(error: InputError) -> None:
    """Run the command that a message ends in or names."""
    command = re.search(r"run: ((?:rio|python) .*?)(?:; otherwise.*)?$", str(error))
    assert command, error
    program, *words = shlex.split(command[1])
    if program == "python":
        exec(words[1], {})
    else:
        done = CliRunner().invoke(main_group, words)
        assert done.exit_code == 0, (words, done.output, done.exception)


def middle(world: OrthophotoWorld) -> list[int]:
    photo = photo_of(world, world.captures[0])
    return photo[photo.shape[0] // 2, photo.shape[1] // 2].tolist()


@pytest.mark.parametrize("order", [("red", "green", "blue"), ("blue", "green", "red")])
def test_colours_are_read_by_their_names(tmp_path: Path, order: tuple[str, ...]) -> None:
    bands = np.stack([np.full((SIDE, SIDE), COLOURS[name], np.uint8) for name in order])
    write_photo(tmp_path, bands=bands, colours=order, photometric="minisblack")
    assert middle(OrthophotoWorld(tmp_path)) == [200, 120, 40]


def test_infrared_in_front_moves_no_colour(tmp_path: Path) -> None:
    names = ("undefined", "red", "green", "blue")
    greys = {"undefined": 255, **COLOURS}
    bands = np.stack([np.full((SIDE, SIDE), greys[name], np.uint8) for name in names])
    write_photo(tmp_path, bands=bands, colours=names, photometric="minisblack")
    assert middle(OrthophotoWorld(tmp_path)) == [200, 120, 40]


def test_bands_without_a_blue_one_are_refused(tmp_path: Path) -> None:
    names = ("undefined", "red", "green")
    path = write_photo(tmp_path, colours=names, photometric="minisblack")
    with pytest.raises(InputError, match="its bands are undefined, red, green, expected") as error:
        OrthophotoWorld([path])
    follow(error.value)
    assert middle(OrthophotoWorld([path])) == [200, 120, 40]


def test_a_palette_is_expanded(tmp_path: Path) -> None:
    path = write_photo(tmp_path, bands=np.full((1, SIDE, SIDE), 7, np.uint8))
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {6: (1, 1, 1, 255), 7: (200, 120, 40, 255)})
    assert middle(OrthophotoWorld(tmp_path)) == [200, 120, 40]


@pytest.mark.parametrize("bands", [1, 2])
def test_grey_becomes_colours(tmp_path: Path, bands: int) -> None:
    values = np.full((bands, SIDE, SIDE), 255, np.uint8)
    values[0] = 90
    write_photo(tmp_path, bands=values, colours=("gray", "alpha")[:bands])
    assert middle(OrthophotoWorld(tmp_path)) == [90, 90, 90]


@pytest.mark.parametrize("bits", [12, 16])
def test_more_bits_are_refused_with_their_true_range(
    tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(0, 2**bits - 1, SIDE**2).reshape(1, SIDE, SIDE).astype(np.uint16)
    path = write_photo(tmp_path, bands=np.repeat(ramp, 3, axis=0))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected bands of uint8, found 3 of uint16") as error:
        OrthophotoWorld([path])
    follow(error.value)
    photo = photo_of(world := OrthophotoWorld({"2020-06-01": "bytes.tif"}), world.captures[0])
    assert photo.min() < 5 and photo.max() > 245


@pytest.mark.parametrize(
    ("units", "factor"),
    [("US survey foot", 3937 / 1200), ("ft", 1 / 0.3048), ("metre", 1.0), ("cm", 100.0)],
)
def test_heights_are_converted_to_metres(tmp_path: Path, units: str, factor: float) -> None:
    write_photo(tmp_path)
    heights = np.full((70, 70), 100 * factor, np.float32)
    world = OrthophotoWorld(
        tmp_path / "photo_20200601.tif", surface=write_heights(tmp_path, heights, units=units)
    )
    assert world.surface_at(0, 0) == pytest.approx(100, abs=1e-3)
    assert world.height_range_m == pytest.approx((100, 100), abs=1e-3)


def test_a_vertical_crs_in_feet_is_followed(tmp_path: Path) -> None:
    path = write_heights(tmp_path, np.full((70, 70), 328.08333, np.float32), crs="EPSG:32632+6360")
    world = OrthophotoWorld(write_photo(tmp_path), surface=path)
    assert world.surface_at(0, 0) == pytest.approx(100, abs=1e-3)


def test_heights_without_a_unit_in_a_crs_of_feet_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    feet = {"crs": "EPSG:2263", "transform": from_origin(1e6, 2e5, 10, 10)}
    bands = np.full((3, SIDE, SIDE), 90, np.uint8)
    photo = write(tmp_path / "photo_20200601.tif", bands, **feet)
    path = write(tmp_path / "dsm.tif", np.full((1, SIDE, SIDE), 328.08333, np.float32), **feet)
    world = OrthophotoWorld(photo, surface=path)
    assert world.pixel_grid.resolution_m == pytest.approx(3.048, rel=1e-2)
    assert world.surface_at(0, 0) == pytest.approx(328.08333)
    (message,) = (text for text in caplog.messages if "taken as metres" in text)
    follow(InputError(message))
    assert OrthophotoWorld(photo, surface=path).surface_at(0, 0) == pytest.approx(100, abs=1e-3)


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    heights = np.full((70, 70), 950, np.int16)
    path = write_heights(tmp_path, heights, scale=(0.1, 5.0), nodata=-32768)
    world = OrthophotoWorld(write_photo(tmp_path), surface=path)
    assert world.surface_at(0, 0) == pytest.approx(100, abs=1e-3)


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    path = write_heights(tmp_path, np.full((70, 70), 100, np.float32), units="fathom")
    photo = write_photo(tmp_path)
    with pytest.raises(InputError, match="heights in 'fathom', expected metres or feet") as error:
        OrthophotoWorld(photo, surface=path)
    follow(error.value)
    world = OrthophotoWorld(photo, surface=path)
    assert world.surface_at(0, 0) == pytest.approx(100)


@pytest.mark.parametrize("value", [-32768, -9999, 32767, -3.4e38, 1e20, np.nan])
def test_undeclared_nodata_is_named_and_its_gap_can_be_filled(tmp_path: Path, value: float) -> None:
    tmp_path = tmp_path / "my heights"
    tmp_path.mkdir()
    heights = np.full((70, 70), 100, np.float32)
    heights[30:33, 40:42] = value
    path, photo = write_heights(tmp_path, heights), write_photo(tmp_path)
    if np.isfinite(value):
        stated = re.escape(str(np.float32(value).item()))
        with pytest.raises(
            InputError, match=rf"dsm\.tif: {stated} as height under 0\.12%"
        ) as error:
            OrthophotoWorld(photo, surface=path)
        follow(error.value)
    with pytest.raises(InputError, match=r"no height under 0\.\d % .* interpolate") as error:
        OrthophotoWorld(photo, surface=path)
    follow(error.value)
    world = OrthophotoWorld(photo, surface=path)
    assert world.height_range_m == pytest.approx((100, 100), abs=1e-3)


def test_heights_on_the_photo_s_own_grid_are_enough(tmp_path: Path) -> None:
    ramp = np.linspace(0, 50, SIDE, dtype=np.float32)[None].repeat(SIDE, axis=0)
    path = write_heights(tmp_path, ramp, margin=0)
    world = OrthophotoWorld(write_photo(tmp_path), surface=path)
    assert world.surface_at(0, 0) == pytest.approx(25, abs=0.5)
    assert world.surface_at(world.bounds.xmin, 0) == pytest.approx(0, abs=1)
    assert world.surface_at(world.bounds.xmax, 0) == pytest.approx(50, abs=1)


def test_a_world_without_heights_says_that_it_is_level(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    OrthophotoWorld(write_photo(tmp_path))
    assert "no heights given, so the ground is taken as level at z = 0" in caplog.messages[-1]
