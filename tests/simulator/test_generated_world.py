"""Generated worlds as worlds: windows, geometry, light."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.camera import pose_at
from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Bounds, Window
from hinted_posenet.simulator.world.generated.buildings import Roof
from hinted_posenet.simulator.world.generated.generated_world import GeneratedWorld
from hinted_posenet.simulator.world.generated.places import PlaceKind

from .test_render import CAMERA, centroid_uv, project_uv

SEASONS = {
    "autumn": Season("2025-10-01", 12.0),
    "evening": Season("2025-06-10", 18.0),
    "winter": Season("2025-01-20", 12.0),
}


def make(seed: int = 4, **options: object) -> GeneratedWorld:
    return GeneratedWorld(
        seed, SEASONS, size_m=1500, settlement_spacing_m=600, town_spacing_m=6000, **options
    )


@pytest.fixture(scope="module")
def world() -> GeneratedWorld:
    return make()


def village(world: GeneratedWorld) -> tuple[float, float]:
    inside = (
        p
        for p in world.landscape.places
        if p.kind >= PlaceKind.HAMLET and max(abs(p.x_m), abs(p.y_m)) < 600
    )
    place = next(inside)
    return place.x_m, place.y_m


def test_rasters_are_functions_of_the_place(world: GeneratedWorld) -> None:
    x_m, y_m = village(world)
    window = world.pixel_grid.window_of(Bounds(x_m - 90, y_m - 90, x_m + 90, y_m + 90), 2)
    part = Window(window.row + 40, window.col + 60, 80, 64)
    fresh = pickle.loads(pickle.dumps(make()))
    fresh.photo(Window(0, 0, 10, 10), fresh.captures[2])
    inner = part.within(window)
    for capture in world.captures:
        assert np.array_equal(fresh.photo(part, capture), world.photo(window, capture)[inner])
    assert np.array_equal(fresh.cover(part), world.cover(window)[inner])
    for name in ("surface", "terrain"):
        nodes = getattr(world, name)(window)[20 : 20 + 41, 30 : 30 + 33]
        assert np.array_equal(getattr(fresh, name)(part), nodes), name


def test_surface_is_within_the_stated_heights_and_never_below_the_terrain(
    world: GeneratedWorld,
) -> None:
    window = Window(0, 0, 1500, 1500)
    surface, terrain = world.surface(window), world.terrain(window)
    low, high = world.height_range_m
    assert low < surface.min() and surface.max() < high
    assert (surface - terrain).min() > -1.0  # means of four pixels where bridges and banks meet
    assert (surface - terrain).max() > 8  # trees


def test_noon_shadows_of_houses_point_north(world: GeneratedWorld) -> None:
    x_m, y_m = village(world)
    window = world.pixel_grid.window_of(Bounds(x_m - 150, y_m - 150, x_m + 150, y_m + 150), 2)
    noon, evening = (world.photo(window, capture).mean(axis=2) for capture in world.captures[:2])
    light = {"noon": noon, "evening": evening}
    dark = {key: image < 0.75 * np.median(image) for key, image in light.items()}
    cover = world.cover(window)
    roof = cover == 8

    def shadowed(key: str, north: int, east: int) -> float:
        """Share of the open ground 4 px from a roof that lies in shadow, on one side."""
        beside = np.roll(roof, (-north, east), axis=(0, 1)) & ~roof & (cover != 9) & (cover != 10)
        return float(dark[key][beside].mean())

    assert shadowed("noon", 3, 0) > 2 * shadowed("noon", -3, 0)
    assert shadowed("evening", 0, 3) > 2 * shadowed("evening", 0, -3)


@pytest.mark.parametrize("where", ["terrain", "roof"])
@pytest.mark.parametrize("turns_deg", [(0, 0, 0), (40, 28, -5)], ids=["nadir", "oblique"])
def test_landmark_appears_where_it_projects(where: str, turns_deg: tuple[float, ...]) -> None:
    world = make()
    if where == "roof":
        x_m, y_m = next(
            building.box[:2]
            for number in range(len(world.landscape.places))
            for building in world.landscape.settlement(number).buildings
            if building.roof == Roof.GABLE and max(map(abs, building.box[:2])) < 500
        )
    else:
        x_m, y_m = village(world)

    def paint(land, season_key):  # a soft white dot on black
        east = land.pixel_grid.xmin + (land.window.col + np.arange(land.window.cols) + 0.5)
        north = land.pixel_grid.ymax - (land.window.row + np.arange(land.window.rows) + 0.5)
        square = (east[None, :] - x_m) ** 2 + (north[:, None] - y_m) ** 2
        return np.repeat((255 * np.exp(-square / 5)).astype(np.uint8)[..., None], 3, axis=2)

    world.painter = SimpleNamespace(seasons=SEASONS, margin_px=82, paint=paint)
    z_m = world.surface_at(x_m, y_m)
    heading = np.radians(turns_deg[0])
    back = 90 * np.tan(np.radians(turns_deg[1]))  # so that the oblique view looks at it
    position_m = (x_m - back * np.sin(heading), y_m - back * np.cos(heading), z_m + 90.0)
    T = pose_at(position_m, *turns_deg)
    rgb, _ = Renderer(world, CAMERA, threads=1).render(T, world.captures[0])
    assert rgb.max() > 100
    assert np.abs(centroid_uv(rgb) - project_uv([x_m, y_m, z_m], T)).max() < 0.5


def test_bad_sizes_name_their_keys() -> None:
    with pytest.raises(InputError, match=r"200 <= size_m <= 100000 .* size_m=50"):
        GeneratedWorld(0, SEASONS, size_m=50)
    for key in ("forest_share", "repetition", "relief_m", "town_spacing_m", "latitude_deg"):
        with pytest.raises(InputError, match=f"{key}.*-100"):
            GeneratedWorld(0, SEASONS, size_m=400, **{key: -100.0})
    with pytest.raises(InputError, match=r"world\.seed.*-1"):
        GeneratedWorld(-1, SEASONS, size_m=400)
    with pytest.raises(InputError, match="power of"):
        GeneratedWorld(0, SEASONS, size_m=400, resolution_m=1.0, node_m=3.0)
