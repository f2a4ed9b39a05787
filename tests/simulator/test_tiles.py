import math

import numpy as np

from hinted_posenet.simulator.world import Bounds, Capture, PixelGrid, Window
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform
from hinted_posenet.simulator.world.tiles import TILE_PX, TileCache, mip_levels
from hinted_posenet.simulator.world.world import ArrayWorld, cut

SUMMER = Capture("summer", "summer", "2025-07-01")


def random_world(rows: int, cols: int) -> ArrayWorld:
    photo = np.random.default_rng(0).integers(0, 255, (rows, cols, 3), dtype=np.uint8)
    surface_m = np.random.default_rng(1).uniform(0, 5, (rows // 8 + 1, cols // 8 + 1))
    pixel_grid = PixelGrid(-100.0, 50.0, 0.5, rows, cols)
    return ArrayWorld(pixel_grid, {SUMMER: photo}, surface_m.astype(np.float32), 8)


def test_window_of_bounds_covers_them_and_nothing_beyond_a_cell() -> None:
    pixel_grid = PixelGrid(-100.0, 50.0, 0.5, 400, 600)
    window = pixel_grid.window_of(Bounds(-99.9, -10.0, -49.0, 49.9), 16)
    assert window == Window(0, 0, 128, 112)
    assert pixel_grid.window_of(Bounds(-200, 60, -190, 70)) == Window(-40, -200, 20, 20)
    assert pixel_grid.bounds_of(Window(0, 0, 400, 600)) == Bounds(-100.0, -150.0, 200.0, 50.0)


def test_windows_are_made_of_blocks_that_start_at_the_corner_of_the_plane() -> None:
    window = Window(-3, 6, 8, 10)
    blocks = list(window.blocks(8))
    assert [block[:2] for block in blocks] == [(-8, 0), (-8, 8), (0, 0), (0, 8)]
    parts = [block.overlap(window) for block in blocks]
    assert parts == [
        Window(-3, 6, 3, 2),
        Window(-3, 8, 3, 8),
        Window(0, 6, 5, 2),
        Window(0, 8, 5, 8),
    ]
    assert Window(0, 0, 4, 4).overlap(Window(2, 9, 4, 4))[2:] == (2, 0)


def test_a_cut_continues_with_the_border_pixels() -> None:
    array = np.arange(12).reshape(3, 4).astype(np.float32)
    assert cut(array, Window(-1, 2, 3, 4)).tolist() == [[2, 3, 3, 3], [2, 3, 3, 3], [6, 7, 7, 7]]
    assert (cut(array, Window(10, 10, 2, 2)) == 11).all()
    assert (cut(array, Window(-9, -9, 2, 3)) == 0).all()


def test_mosaic_is_the_photo_whatever_tiles_it_crosses() -> None:
    world = random_world(1100, 1300)
    cache = TileCache(world, memory_mb=3)  # too small for all: tiles are made anew
    for window in (Window(500, 500, 40, 30), Window(-20, 1000, 560, 600), Window(0, 0, 1100, 1300)):
        assert np.array_equal(cache.mosaic(window, 0, SUMMER), world.photo(window, SUMMER))
    level = mip_levels(world.photo(Window(0, 0, 2048, 2048), SUMMER))[3]
    assert np.array_equal(cache.mosaic(Window(50, 60, 70, 33), 3, SUMMER), level[50:120, 60:93])


def test_neighbouring_tiles_share_their_border_nodes() -> None:
    world = random_world(1024, 1024)
    cache = TileCache(world)
    tiles = list(world.pixel_grid.window.blocks(TILE_PX))
    assert tiles == [Window(row, col, 512, 512) for row in (0, 512) for col in (0, 512)]
    west, east = (cache.surface(tile) for tile in tiles[:2])
    assert west.shape == (TILE_PX // 8 + 1, TILE_PX // 8 + 1)
    assert np.array_equal(west[:, -1], east[:, 0])


def test_noise_is_a_function_of_the_place() -> None:
    whole = fractal_noise(Window(-70, 900, 300, 400), 37.3, stream(1, "a"))
    part = fractal_noise(Window(11, 1013, 90, 101), 37.3, stream(1, "a"))
    assert np.array_equal(whole[81:171, 113:214], part)
    far = fractal_noise(Window(10**8, -(10**8), 1000, 1000), 20.0, stream(1, "a"))
    assert abs(far.mean()) < 0.1 and 0.8 < far.std() < 1.2
    assert not np.array_equal(part, fractal_noise(Window(11, 1013, 90, 101), 37.3, stream(2, "a")))
    assert not np.array_equal(part, fractal_noise(Window(11, 1013, 90, 101), 37.3, stream(1, "b")))


def test_hashed_numbers_are_uniform_and_unrelated() -> None:
    numbers = uniform(stream(3, "trees"), np.arange(200)[:, None], np.arange(-100, 100)[None, :])
    assert numbers.min() >= 0 and numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(numbers.std() - math.sqrt(1 / 12)) < 0.01
    assert abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.02
