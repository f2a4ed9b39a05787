"""What changes on the ground between two dates, and what never does."""

import dataclasses
from functools import cache

import cv2
import numpy as np
import pytest
from light_land import RESOLUTION_M, make_land

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.change import changed, soil
from hinted_posenet.simulator.light.painter import Painter
from hinted_posenet.simulator.light.season import LIMITS, Season
from hinted_posenet.simulator.world import Cover, Window
from hinted_posenet.simulator.world.generated.generated_world import GeneratedWorld
from hinted_posenet.simulator.world.generated.landscape import Land

WINDOW = Window(300, 0, 400, 400)
WATER = (Cover.WATER, Cover.RIVER)
HEIGHTS = ("terrain_m", "surface_m", "leafless_m")


@cache
def usual() -> Land:
    return make_land(WINDOW)


def change(season: Season) -> Land:
    return changed(usual(), season, RESOLUTION_M, seed=3)


def edges(land: Land) -> np.ndarray:
    """Where a pixel and its southern neighbour belong to two fields of one block."""
    draw, block = land.parcel_draw, land.block_draw
    return (draw[1:] != draw[:-1]) & (block[1:] == block[:-1])


def test_a_season_of_the_usual_ground_changes_nothing() -> None:
    assert change(Season("2025-07-01")) is usual()


def test_fields_have_other_edges_and_crops_in_another_year_and_the_same_within_a_year() -> None:
    first, later, next_year = (
        change(Season(date, new_fields=1.0)) for date in ("2024-05-01", "2024-09-01", "2025-05-01")
    )
    assert np.array_equal(first.parcel_draw, later.parcel_draw)
    a, b, parcels = (edges(land) for land in (first, next_year, usual()))
    assert a.any() and b.any()
    for one, other in ((a, b), (a, parcels)):
        assert (one & other).sum() < 0.2 * one.sum()
    assert (first.parcel_draw != next_year.parcel_draw).mean() > 0.95


def test_a_share_of_the_blocks_keeps_its_parcels_and_new_fields_have_no_balk_inside() -> None:
    land, some = usual(), change(Season("2024-05-01", new_fields=0.5))
    new = some.parcel_draw != land.parcel_draw
    assert 0.2 < new.mean() < 0.8
    for block in np.unique(land.block_draw):
        assert new[land.block_draw == block].mean() in (0.0, 1.0)
    assert (some.ground[new & land.balk] == Cover.FIELD).all()
    assert (some.ground[~new & land.balk] == Cover.GRASS).all()


@pytest.mark.parametrize("level_m", [-0.5, 0.5])
def test_shores_move_with_the_water_and_have_a_beach(level_m: float) -> None:
    before, after = usual(), change(Season("2025-07-01", water_level_m=level_m))
    was, now = (np.isin(land.ground, WATER) for land in (before, after))
    grown = now & ~was if level_m > 0 else was & ~now
    shrunk = was & ~now if level_m > 0 else now & ~was
    assert grown.sum() > 0.05 * was.sum() and not shrunk.any()
    assert np.abs(before.shore_m[grown]).max() < 60
    beside = ~now & cv2.dilate(now.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert (after.ground[beside] == Cover.SHORE).mean() > 0.95
    built = np.isin(before.ground, (Cover.ROAD, Cover.YARD, Cover.ROOF))
    assert np.array_equal(after.ground[built], before.ground[built])


def test_heights_never_change() -> None:
    land = usual()
    after = change(Season("2025-07-01", new_fields=1.0, water_level_m=1.0))
    for name in HEIGHTS:
        assert np.array_equal(getattr(after, name), getattr(land, name))


def test_soil_shows_in_fields_alone_and_differently_at_each_date() -> None:
    land = usual()
    field = land.ground == Cover.FIELD
    dates = [f"{year}-05-01" for year in range(2019, 2025)]
    found = [soil(land, Season(date, soil=0.3), RESOLUTION_M, 3) for date in dates]
    assert all((one[~field] == 1).all() and one[field].std() > 0.05 for one in found)
    alike = np.corrcoef([one[field] for one in found])[np.triu_indices(len(dates), 1)]
    assert alike.max() < 0.9 and np.abs(np.mean(alike)) < 0.3


def test_every_window_has_the_same_bits_whatever_the_other_seasons_are() -> None:
    season = Season(
        "2025-07-01", new_fields=0.7, water_level_m=0.8, soil=0.3, vigour=0.5, colour_spread=2,
        gamma=1.2, registration_m=2.0, blur_m=1.1,
    )  # fmt: skip
    seasons = {"usual": Season("2024-07-01"), "other": season}
    painter = Painter(seasons, 48.0, 3, RESOLUTION_M)
    whole_window, part_window = Window(450, 60, 210, 230), Window(523, 95, 61, 107)
    whole, part = (
        make_land(window.grown(painter.margin_px)) for window in (whole_window, part_window)
    )
    margin = slice(painter.margin_px, -painter.margin_px)
    for key in seasons:
        photo, cut = painter.paint(whole, key)[margin, margin], painter.paint(part, key)
        np.testing.assert_array_equal(cut[margin, margin], photo[part_window.within(whole_window)])
    alone = Painter({"usual": seasons["usual"]}, 48.0, 3, RESOLUTION_M)
    assert (
        alone.margin_px < painter.margin_px
    )  # other seasons make no difference but for the margin
    assert np.array_equal(alone.paint(part, "usual"), painter.paint(part, "usual"))


def test_generated_blocks_can_be_divided_anew_and_flooded_and_keep_their_surface() -> None:
    season = Season("2025-07-10")
    seasons = {
        "usual": season,
        "fields": dataclasses.replace(season, new_fields=1.0),
        "water": dataclasses.replace(season, water_level_m=1.0),
        "survey": dataclasses.replace(season, registration_m=3.0, blur_m=4.0),
    }
    options = {"size_m": 1200, "resolution_m": 4.0, "node_m": 4.0, "settlement_spacing_m": 900}
    world = GeneratedWorld(2, seasons, **options)
    window = world.pixel_grid.window
    photo = {c.key: world.photo(window, c).astype(np.int16) for c in world.captures}
    cover = world.cover(window)
    moved = {k: np.abs(photo[k] - photo["usual"]).max(axis=2) > 3 for k in ("fields", "water")}
    assert moved["fields"][cover == Cover.FIELD].mean() > 0.5
    assert moved["fields"][cover == Cover.ROAD].mean() < 0.01
    assert 0.002 < moved["water"].mean() < 0.2


def test_values_out_of_range_are_named() -> None:
    for name, (low, high) in LIMITS.items():
        for value in (low - 1, high + 1, float("nan")):
            with pytest.raises(InputError, match=name):
                Season("2025-07-10", **{name: value})
