"""Terrain and water of generated worlds: the same everywhere, and as water would have it."""

import pickle
import time
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from hinted_posenet.simulator.world import Cover
from hinted_posenet.simulator.world.generated.relief import Relief
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window

SIDE_M = 3000.0


@pytest.fixture(scope="module")
def relief() -> Relief:
    return Relief(5, Bounds(0.0, 0.0, SIDE_M, SIDE_M), 120.0)


def pixel_grid(resolution_m: float) -> PixelGrid:
    count = int(SIDE_M / resolution_m)
    return PixelGrid(0.0, SIDE_M, resolution_m, count, count)


def wettest(relief: Relief, resolution_m: float, size: int) -> Window:
    """The window with most of both kinds of water in a coarse search."""
    coarse = pixel_grid(10.0)
    water = relief.ground(coarse, Window(0, 0, coarse.rows, coarse.cols))[1]
    step = int(size * resolution_m / 10)
    best, found = -1, Window(0, 0, size, size)
    for row in range(0, coarse.rows - step, max(step // 2, 1)):
        for col in range(0, coarse.cols - step, max(step // 2, 1)):
            kind = water.kind[row : row + step, col : col + step]
            score = min((kind == Cover.WATER).sum(), 10 * (kind == Cover.RIVER).sum())
            if score > best:
                scale = 10 / resolution_m
                best, found = int(score), Window(int(row * scale), int(col * scale), size, size)
    assert best > 0
    return found


@pytest.mark.parametrize("resolution_m", [0.5, 1.0, 2.0])
def test_windows_are_equal_to_the_bit(relief: Relief, resolution_m: float) -> None:
    grid = pixel_grid(resolution_m)
    whole = wettest(relief, resolution_m, 300)
    terrain, water = relief.ground(grid, whole)
    assert set(np.unique(water.kind)) == {0, Cover.WATER, Cover.RIVER}
    rows, cols = [0, 1, 90, 163, 300], [0, 77, 200, 299, 300]
    tiles = [
        Window(whole.row + r0, whole.col + c0, r1 - r0, c1 - c0)
        for r0, r1 in pairwise(rows)
        for c0, c1 in pairwise(cols)
    ]
    for tile in tiles[::-1]:
        (part_terrain, part), where = relief.ground(grid, tile), tile.within(whole)
        np.testing.assert_array_equal(part_terrain, terrain[where])
        for layer in ("kind", "level_m", "shore_m"):
            np.testing.assert_array_equal(getattr(part, layer), getattr(water, layer)[where])


def test_the_same_seed_and_a_copy_give_the_same_bits_and_another_seed_gives_other_land(
    relief: Relief,
) -> None:
    grid, window = pixel_grid(1.0), Window(1000, 1200, 64, 64)
    bounds = Bounds(0.0, 0.0, SIDE_M, SIDE_M)
    expected = relief.ground(grid, window)[0]
    for same in (Relief(5, bounds, 120.0), pickle.loads(pickle.dumps(relief))):
        np.testing.assert_array_equal(same.ground(grid, window)[0], expected)
    other = Relief(6, bounds, 120.0)
    assert np.abs(other.ground(grid, window)[0] - expected).min() > 0
    assert not np.array_equal(other.rivers[0].points_m, relief.rivers[0].points_m)


def test_rivers_fall_widen_and_join(relief: Relief) -> None:
    assert len(relief.rivers) > 10
    plan, cell_m = relief.plan.bounds, relief.plan.resolution_m
    for index, river in enumerate(relief.rivers):
        assert (np.diff(river.level_m) <= 0).all()
        assert (np.diff(river.width_m) >= 0).all()
        assert river.width_m.min() >= 3 and river.width_m.max() <= 60
        steps_m = np.hypot(*np.diff(river.points_m, axis=0).T)
        assert steps_m.max() < 40
        x_m, y_m = river.points_m[-1]
        sides_m = (x_m - plan.xmin, plan.xmax - x_m, y_m - plan.ymin, plan.ymax - y_m)
        if min(np.abs(sides_m)) > 12 * cell_m:
            larger = np.concatenate([r.points_m for r in relief.rivers[:index]])
            level_m = np.concatenate([r.level_m for r in relief.rivers[:index]])
            away_m, nearest = cKDTree(larger).query(river.points_m[-1])
            assert away_m < 15
            assert abs(level_m[nearest] - river.level_m[-1]) < 0.5


def test_beds_lie_under_the_water_and_banks_above(relief: Relief) -> None:
    grid, window = pixel_grid(1.0), wettest(relief, 1.0, 800)
    terrain, water = relief.ground(grid, window)
    wet, bank = water.kind > 0, (water.shore_m > 0.5) & (water.shore_m < 4)
    assert wet.sum() > 1000
    assert (terrain[wet] < water.level_m[wet]).all()
    assert (terrain[bank] > water.level_m[bank]).mean() > 0.98  # but where a river cuts a bank
    np.testing.assert_array_equal(wet, water.shore_m < 0)
    assert (terrain[water.shore_m < -3] < water.level_m[water.shore_m < -3] - 0.3).all()


def test_lakes_are_level(relief: Relief) -> None:
    grid = pixel_grid(4.0)
    water = relief.ground(grid, Window(0, 0, grid.rows, grid.cols))[1]
    levels = water.level_m[water.kind == Cover.WATER]
    assert len(levels) > 500
    assert set(np.unique(levels)) <= set(relief.lake_level_m)


def test_shore_distances_are_metres(relief: Relief) -> None:
    grid, window = pixel_grid(1.0), wettest(relief, 1.0, 500)
    water = relief.ground(grid, window)[1]
    river = (water.kind == Cover.RIVER)[150:350, 150:350]
    measured = distance_transform_edt(water.kind == 0)[150:350, 150:350] - 0.5
    error = np.abs(water.shore_m[150:350, 150:350] - np.minimum(measured, 60))[~river]
    assert np.median(error) < 3
    assert water.shore_m.max() <= 60


def test_points_agree_with_windows(relief: Relief) -> None:
    grid, window = pixel_grid(2.0), Window(0, 0, 1500, 1500)
    terrain, water = relief.ground(grid, window)
    row, col = np.random.default_rng(0).integers(0, 1500, (2, 4000))
    x_m, y_m = (col + 0.5) * 2.0, SIDE_M - (row + 0.5) * 2.0
    kind, shore_m = water.kind[row, col], water.shore_m[row, col]
    found = relief.is_water(x_m, y_m)
    assert (found[(kind == Cover.RIVER) | (shore_m < -4)]).all()
    assert not found[shore_m > 4].any()
    dry = shore_m > 59
    difference = relief.height_m(x_m, y_m)[dry] - terrain[row, col][dry]
    assert np.abs(difference).max() < 8
    slope = relief.slope(x_m, y_m)
    assert 0 < np.median(slope) < 0.15 and np.percentile(slope, 99) < 0.4


def test_heights_do_not_depend_on_resolution(relief: Relief) -> None:
    fine = relief.ground(pixel_grid(0.5), Window(2000, 2400, 256, 256))[0]
    coarse = relief.ground(pixel_grid(2.0), Window(500, 600, 64, 64))[0]
    mean = fine.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.abs(mean - coarse).max() < 0.3


def test_relief_is_as_high_as_asked_for_whatever_the_shape() -> None:
    long = Relief(1, Bounds(-200.0, 100.0, 11800.0, 1100.0), 90.0)
    low, high = np.percentile(long.coarse_m, [1, 99])
    assert 70 < high - low < 110
    assert long.plan.bounds.contains(Bounds(-200.0, 100.0, 11800.0, 1100.0))
    assert low > 0


@pytest.mark.slow
def test_ten_thousand_square_kilometres() -> None:
    begin = time.process_time()
    vast = Relief(4, Bounds(0.0, 0.0, 1e5, 1e5), 400.0)
    assert time.process_time() - begin < 20
    assert len(pickle.dumps(vast)) < 1e8
    assert all((np.diff(river.level_m) <= 0).all() for river in vast.rivers)
    grid, window = PixelGrid(0.0, 1e5, 1.0, 100000, 100000), Window(43210, 56789, 200, 200)
    terrain = vast.ground(grid, window)[0]
    part = Window(43300, 56800, 50, 50)
    np.testing.assert_array_equal(vast.ground(grid, part)[0], terrain[part.within(window)])
