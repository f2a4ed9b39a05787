"""The land of generated worlds: what stands where."""

import itertools

import cv2
import numpy as np
import pytest

from hinted_posenet.simulator.world import Cover
from hinted_posenet.simulator.world.generated.fields import plant_fields
from hinted_posenet.simulator.world.generated.landscape import Character, Landscape
from hinted_posenet.simulator.world.generated.places import PlaceKind
from hinted_posenet.simulator.world.generated.roads import MAIN_WIDTH_M, link_places
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window

COUNTRY = Character(90.0, 900.0, 2700.0, 400.0, 0.25, 0.3)
GRID = PixelGrid(-3000.0, 3000.0, 1.0, 6000, 6000)


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return Landscape(GRID.bounds, 5, COUNTRY)


def window_around(x_m: float, y_m: float, reach_m: float) -> Window:
    return GRID.window_of(Bounds.around(x_m, y_m, reach_m))


def largest(landscape: Landscape, kind: PlaceKind) -> int:
    return next(n for n, place in enumerate(landscape.places) if place.kind == kind)


def test_every_window_has_the_same_land(landscape: Landscape) -> None:
    place = landscape.places[largest(landscape, PlaceKind.VILLAGE)]
    window = window_around(place.x_m, place.y_m, 150)
    whole = landscape.land(GRID, window)
    inner = Window(window.row + 33, window.col + 71, 110, 97)
    fresh = Landscape(GRID.bounds, 5, COUNTRY)
    fresh.land(GRID, window_around(2000.0, -1500.0, 60))
    part = fresh.land(GRID, inner)
    for name in part._fields[2:]:
        assert np.array_equal(getattr(part, name), getattr(whole, name)[inner.within(window)]), name


def test_another_seed_changes_every_layer(landscape: Landscape) -> None:
    place = landscape.places[largest(landscape, PlaceKind.VILLAGE)]
    window = window_around(place.x_m, place.y_m, 150)
    land = landscape.land(GRID, window)
    other = Landscape(GRID.bounds, 6, COUNTRY)
    assert not {place[2:4] for place in landscape.places} & {place[2:4] for place in other.places}
    changed = other.land(GRID, window)
    for name in set(land._fields[2:]) - {"shore_m", "bank"}:  # no water is near
        assert not np.array_equal(getattr(land, name), getattr(changed, name)), name


def test_places_are_dry_and_apart_and_of_every_kind(landscape: Landscape) -> None:
    x, y, radius = np.array([place[2:] for place in landscape.places]).T
    assert not landscape.relief.is_water(x, y).any()
    gap = np.hypot(x[:, None] - x, y[:, None] - y) - radius[:, None] - radius
    assert gap[~np.eye(len(gap), dtype=bool)].min() > 0
    assert {place.kind for place in landscape.places} == set(PlaceKind)


def test_roads_reach_every_place_and_the_widest_join_towns(landscape: Landscape) -> None:
    places = landscape.places
    links = link_places(places)
    reached, ahead = set(), [0]
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            ahead += [end for link in links for end in link[:2] if here in link[:2]]
    assert reached == set(range(len(places)))
    towns = [n for n, place in enumerate(places) if place.kind == PlaceKind.TOWN]
    main = {end for link in links if link.width_m == MAIN_WIDTH_M for end in link[:2]}
    assert len(towns) >= 2 and set(towns) <= main
    for road in landscape.roads:
        ends = [(places[end].x_m, places[end].y_m) for end in (road.start, road.end)]
        assert np.allclose(road.line_m[[0, -1]], ends)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind == PlaceKind.TOWN)) for kind in PlaceKind],
    ids=lambda kind: kind.name,
)
def test_buildings_stand_clear_of_each_other_and_of_water(
    landscape: Landscape, kind: PlaceKind
) -> None:
    some = [n for n, place in enumerate(landscape.places) if place.kind == kind][:5]
    number = max(some, key=lambda n: len(landscape.settlement(n).buildings))
    place, settlement = landscape.places[number], landscape.settlement(number)
    # towers stand on naves
    boxes = [b.box for b in settlement.buildings if b.box.length_m > 8]
    assert len(boxes) >= {"FARM": 3, "HAMLET": 6, "VILLAGE": 30, "TOWN": 150}[kind.name]
    for a, b in itertools.combinations(boxes, 2):
        if np.hypot(a.x_m - b.x_m, a.y_m - b.y_m) < 60:
            pair = [((c.x_m, c.y_m), c[3:], np.degrees(c.angle_rad)) for c in (a, b)]
            shared = cv2.rotatedRectangleIntersection(*pair)[1]
            area = 0.0 if shared is None else cv2.contourArea(cv2.convexHull(shared))
            assert area < 0.12 * min(a.length_m * a.width_m, b.length_m * b.width_m)
    land = landscape.land(GRID, window_around(place.x_m, place.y_m, place.radius_m))
    for box in boxes:
        row = GRID.ymax - box.y_m - land.window.row
        col = box.x_m - GRID.xmin - land.window.col
        if 0 <= row < land.ground.shape[0] and 0 <= col < land.ground.shape[1]:
            assert land.ground[int(row), int(col)] == Cover.ROOF
            assert land.surface_m[int(row), int(col)] > land.terrain_m[int(row), int(col)] + 2


def test_trees_and_roofs_rise_above_the_terrain_and_water_is_level(landscape: Landscape) -> None:
    river = landscape.relief.rivers[0]
    near = np.abs(river.points_m).max(axis=1) < 2800
    x, y = river.points_m[near][len(river.points_m[near]) // 2]
    land = landscape.land(GRID, window_around(float(x), float(y), 250))
    wet = (land.ground == Cover.RIVER) | (land.ground == Cover.WATER)
    assert wet.sum() > 500
    open_water = wet & (land.crown == 0)
    assert (land.surface_m >= land.terrain_m)[open_water].all()
    crown = land.crown > 0
    assert crown.any()
    assert ((land.surface_m - land.terrain_m)[crown] > 0.5).mean() > 0.97
    raised = (Cover.ROOF, Cover.RIVER, Cover.WATER, Cover.ROAD, Cover.TRACK)
    bare = ~crown & ~np.isin(land.ground, raised)
    assert np.array_equal(land.surface_m[bare], land.terrain_m[bare])
    deciduous = land.crown == Cover.DECIDUOUS
    assert (land.leafless_m[deciduous] < land.surface_m[deciduous]).all()
    assert np.array_equal(land.leafless_m[~deciduous], land.surface_m[~deciduous])


@pytest.mark.slow
def test_repetition_makes_the_houses_of_a_street_alike(landscape: Landscape) -> None:
    def sizes(repetition: float) -> list[tuple[float, ...]]:
        country = COUNTRY._replace(repetition=repetition)
        same = Landscape(GRID.bounds, 5, country)
        settlement = same.settlement(largest(same, PlaceKind.VILLAGE))
        return [(b.eaves_m, b.box.width_m) for b in settlement.buildings]

    varied, alike = sizes(0.0), sizes(1.0)
    assert len(set(varied)) > 0.95 * len(varied)
    assert len(set(alike)) < 0.5 * len(alike)


def test_parcels_of_full_repetition_have_one_width_in_a_district() -> None:
    def most_common(repetition: float) -> float:
        """Share of the parcels along a line through one district that have the most common width."""
        fields = plant_fields(GRID, Window(1000, 1000, 4, 2000), 3, 9000.0, repetition)
        widths = np.diff(np.flatnonzero(np.diff(fields.tone[2])))
        return max(float((abs(widths - width) <= 2).mean()) for width in widths)

    assert most_common(0.0) < 0.5 < most_common(1.0)


@pytest.mark.slow
def test_forest_share_is_followed() -> None:
    coarse = PixelGrid(GRID.xmin, GRID.ymax, 2.0, 3000, 3000)
    shares = []
    for wanted in (0.05, 0.5):
        country = Landscape(GRID.bounds, 5, COUNTRY._replace(forest_share=wanted))
        windows = [Window(row, col, 150, 150) for row in (0, 1400, 2800) for col in (0, 1400, 2800)]
        forest = [country.land(coarse, window).ground == Cover.FOREST for window in windows]
        shares.append(np.mean(forest))
    assert shares[0] < 0.2 < 0.3 < shares[1] < 0.7
