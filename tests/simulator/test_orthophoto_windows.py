"""Real worlds by windows: tiles in several CRSs, heights, memory, and the errors of both."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Window
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

from .conftest import noise, photo_of, write_geotiff

WEST, NORTH = 500000.0, 5200000.0


def write_heights(
    path: Path, heights: np.ndarray, res: float, west: float = WEST, north: float = NORTH
) -> Path:
    rows, cols = heights.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=1, dtype=heights.dtype,
        crs="EPSG:32614", transform=from_origin(west, north, res, res), nodata=-9999,
    ) as file:  # fmt: skip
        file.write(heights, 1)
    return path


def test_the_same_pixels_in_every_window(tmp_path: Path) -> None:
    rgba = noise(900, 1100, 4)
    rgba[..., 3] = 255
    rgba[500:530, 480:560] = 0  # nodata across blocks
    write_geotiff(tmp_path / "a_20200704.tif", rgba, "EPSG:32614", WEST, NORTH, 1.0)
    world = OrthophotoWorld(tmp_path)
    capture = world.captures[0]
    all_of_it = Window(-7, -11, world.pixel_grid.rows + 30, world.pixel_grid.cols + 20)
    full = world.photo(all_of_it, capture)
    row, col = 523, 517
    for part in (
        Window(-7, -11, row, col),
        Window(-7, col - 11, row, all_of_it.cols - col),
        Window(row - 7, -11, all_of_it.rows - row, col),
        Window(row - 7, col - 11, all_of_it.rows - row, all_of_it.cols - col),
    ):
        assert (world.photo(part, capture) == full[part.within(all_of_it)]).all()
    outside = world.photo(Window(-2000, 5000, 3, 4), capture)
    assert (outside == photo_of(world, capture)[0, -1]).all()
    again = pickle.loads(pickle.dumps(world))
    assert (again.photo(all_of_it, capture) == full).all()


def test_overlapping_tiles_of_several_crs(tmp_path: Path) -> None:
    colours = {"a": (200, 30, 30), "b": (30, 200, 30)}
    first, second = (np.full((300, 300, 3), rgb, np.uint8) for rgb in colours.values())
    write_geotiff(tmp_path / "a_20200704.tif", first, "EPSG:32614", WEST, NORTH, 1.0)
    # 200 m further east, in web mercator
    (x,), (y,) = transform("EPSG:32614", "EPSG:3857", [WEST + 200], [NORTH + 10])
    write_geotiff(tmp_path / "b_20200704.tif", second, "EPSG:3857", x, y, 1.5)
    world = OrthophotoWorld(tmp_path)
    assert len(world.captures) == 1
    assert world.bounds.width_m > 450
    photo = photo_of(world, world.captures[0])
    middle = photo[photo.shape[0] // 2].astype(int)
    res = world.pixel_grid.resolution_m
    assert (abs(middle[int(280 / res)] - colours["a"]) < 3).all()  # where both lie, the first
    assert (abs(middle[int(320 / res)] - colours["b"]) < 3).all()
    assert photo.min() > 20  # no seam of nodata


@pytest.mark.parametrize("tilt_deg", [0.0, 35.0])
@pytest.mark.parametrize("top_m", [(30.0, 20.0), (0.0, -20.0)], ids=["summit", "slope"])
def test_a_landmark_on_a_hill_projects_where_it_should(
    tmp_path: Path, top_m: tuple[float, float], tilt_deg: float
) -> None:
    center = np.arange(800) + 0.5 - 400  # pixels of 0.5 m
    dot = np.exp(
        -((center[None] / 2 - 30) ** 2 + (center[:, None] / 2 + 20) ** 2) / 2
    )  # small: a wide dot's centroid is off by perspective
    rgb = np.repeat((255 * dot).astype(np.uint8)[..., None], 3, axis=2)
    write_geotiff(tmp_path / "a_20200704.tif", rgb, "EPSG:32614", WEST, NORTH, 0.5)
    node = np.arange(240) * 2.0 + 1 - 240

    def height_m(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
        return np.asarray(60 * np.exp(-((x - top_m[0]) ** 2 + (y - top_m[1]) ** 2) / 5000))

    hill = height_m(node[None], -node[:, None])
    dem = write_heights(tmp_path / "hill.tif", hill.astype(np.float32), 2.0, WEST - 40, NORTH + 40)
    world = OrthophotoWorld([tmp_path / "a_20200704.tif"], elevation=dem)
    assert world.height_range_m[1] == pytest.approx(60, abs=1)
    # the dot is 30 m east and 20 m north of the middle of the file, which is the origin
    landmark = np.array([30.0, 20.0, float(height_m(30.0, 20.0))])
    assert world.surface_at(30.0, 20.0) == pytest.approx(landmark[2], abs=0.05)
    assert world.terrain_at(30.0, 20.0) == world.surface_at(30.0, 20.0)
    half = np.radians(180 - tilt_deg) / 2
    q = torch.tensor([np.cos(half), np.sin(half), 0.0, 0.0], dtype=torch.float64)
    R = np.array(
        [
            [1, 0, 0],
            [0, np.cos(2 * half), -np.sin(2 * half)],
            [0, np.sin(2 * half), np.cos(2 * half)],
        ]
    )
    offset = np.array([3.0, 100 * np.tan(np.radians(tilt_deg)) - 5.0, 100.0])
    t = landmark + offset
    camera = Camera(240, 240, hfov_deg=35)
    frame = Renderer(world, camera, threads=1).render(
        Pose(torch.from_numpy(t), q), world.captures[0]
    )
    p = camera.K @ (R.T @ (landmark - t))
    weight = frame.rgb[..., 0].astype(float)
    v, u = np.mgrid[:240, :240] + 0.5
    seen = [(u * weight).sum() / weight.sum(), (v * weight).sum() / weight.sum()]
    assert weight.max() > 200
    assert np.hypot(*(seen - p[:2] / p[2])) < 0.5


def test_terrain_and_surface_differ_and_heights_are_the_same_in_every_window(
    tmp_path: Path,
) -> None:
    photo = write_geotiff(
        tmp_path / "a_20200704.tif", noise(600, 600), "EPSG:32614", WEST, NORTH, 1
    )
    ground = np.random.default_rng(1).integers(0, 50, (340, 340)).astype(np.int16)
    dtm = write_heights(tmp_path / "dtm.tif", ground, 2.0, WEST - 20, NORTH + 20)
    dsm = write_heights(tmp_path / "dsm.tif", ground + np.int16(7), 2.0, WEST - 20, NORTH + 20)
    world = OrthophotoWorld([photo], elevation=dtm, surface=dsm)
    node = world.node_px
    assert node == 2
    full = world.surface(Window(-8, -8, 640, 640))
    part = world.surface(Window(100, 204, 300, 202))
    first = 108 // node, 212 // node
    assert (part == full[first[0] : first[0] + 151, first[1] : first[1] + 102]).all()
    terrain = world.terrain(Window(-8, -8, 640, 640))
    np.testing.assert_allclose(full - terrain, 7, atol=1e-4)


def test_a_vast_mosaic_needs_no_more_memory(tmp_path: Path) -> None:
    path = tmp_path / "vast_20200704.tif"
    side = 60000  # 10.8 GB of pixels, sparse
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8",
        crs="EPSG:32614", transform=from_origin(WEST, NORTH, 1, 1), tiled=True,
        blockxsize=512, blockysize=512, sparse_ok=True, bigtiff="yes", photometric="rgb",
    ) as file:  # fmt: skip
        file.build_overviews([4, 8, 16, 32])
    tracemalloc.start()
    world = OrthophotoWorld([path])
    assert min(world.pixel_grid.rows, world.pixel_grid.cols) > 0.95 * side
    world.photo(Window(30000, 30000, 512, 512), world.captures[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_errors_name_file_and_fix(tmp_path: Path) -> None:
    photo = write_geotiff(
        tmp_path / "a_20200704.tif", noise(100, 100), "EPSG:32614", WEST, NORTH, 1
    )
    dem = write_heights(tmp_path / "half.tif", np.ones((25, 50), np.float32), 2.0)
    with pytest.raises(InputError, match=r"half\.tif: no height under [45]\d\.\d %"):
        OrthophotoWorld([photo], elevation=dem)
    hole = np.ones((70, 70), np.float32)
    hole[30:35, 30:35] = -9999
    dem = write_heights(tmp_path / "hole.tif", hole, 2.0, WEST - 20, NORTH + 20)
    with pytest.raises(InputError, match=r"hole\.tif: no height .* world\.surface"):
        OrthophotoWorld([photo], surface=dem)
    with pytest.raises(InputError, match=r"a_20200704\.tif: expected one band of heights"):
        OrthophotoWorld([photo], elevation=photo)
    broken = tmp_path / "broken_20200704.tif"
    broken.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken_20200704\.tif: expected a readable GeoTIFF"):
        OrthophotoWorld([broken])
    odd = CRS.from_wkt('LOCAL_CS["site grid",UNIT["metre",1]]')
    local = write_geotiff(tmp_path / "site_20200704.tif", noise(9, 9), odd, WEST, NORTH, 1)
    with pytest.raises(InputError, match=r"site_20200704\.tif: .*CRS"):
        OrthophotoWorld([local])
