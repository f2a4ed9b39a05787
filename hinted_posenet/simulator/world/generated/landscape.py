"""The landscape: relief, places and roads of a whole world, and the land of any window of it."""

from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import Bounds, Cover, PixelGrid, Raster, Rgb, Window
from hinted_posenet.simulator.world.generated.buildings import draw_buildings, draw_lots
from hinted_posenet.simulator.world.generated.fields import BALK_M, Fields, plant_fields
from hinted_posenet.simulator.world.generated.places import found_places
from hinted_posenet.simulator.world.generated.relief import Relief
from hinted_posenet.simulator.world.generated.roads import (
    Segments,
    build_roads,
    distance_m,
    roads_at,
)
from hinted_posenet.simulator.world.generated.settlement import Settlement, Survey, build_settlement
from hinted_posenet.simulator.world.generated.trees import margin_px, place_noise, plant_trees

TALLEST_M = 60.0  # upper limit of the height of buildings and trees
SURVEY_M = 2.0  # resolution of the ground that places are planned on
SHORE_M, STEEP = 8.0, 0.25  # nothing is built nearer to water or on steeper ground
DISTRICT_EDGE_M = 4.0  # width of the grass along the borders of districts
BANK_M = 20.0  # from the shore: no bank reaches so far
BRIDGE_M = 2.5  # height of a deck above the water
ROADSIDE_M = 8.0  # largest distance at which a road has an effect on its surroundings
SETTLEMENTS_KEPT = 512
STEEP_WOODS = 1.5  # deviations of the woods' noise by which steep land is more wooded than flat
LOT_M = 60.0  # how far lots may reach beyond the circle of their place


class Character(NamedTuple):
    """Parameters of the country that a world shows, see `GeneratedWorld`."""

    relief_m: float
    settlement_spacing_m: float
    town_spacing_m: float
    district_m: float
    forest_share: float
    repetition: float

    def check(self) -> None:
        """Raise an error that names a parameter out of its range."""
        for name, value in self._asdict().items():
            if name.endswith("_m"):
                if not value > 0:
                    raise InputError(f"world.{name}: expected more than 0, got {value:g}")
            elif not 0 <= value <= 1:
                raise InputError(f"world.{name}: expected 0 to 1, got {value:g}")


class Land(NamedTuple):
    """Layers (rows, cols) over ``window``, one value per pixel area."""

    pixel_grid: PixelGrid
    window: Window
    terrain_m: Raster  # above sea level
    surface_m: Raster  # terrain, buildings and trees
    leafless_m: Raster  # the same without deciduous trees: casts full shadows in winter
    ground: NDArray[np.uint8]  # Cover codes
    crown: NDArray[np.uint8]  # 0, or the Cover code of the tree above the ground
    crown_tone: Raster  # [0, 1], one value a tree
    parcel_draw: Raster  # [0, 1), one value a parcel, which decides with the year what grows there
    parcel_tone: Raster  # [-1, 1], one value a parcel
    furrow: Raster  # [-1, 1], stripes along the parcel
    balk: NDArray[np.bool_]  # grass between the parcels of one block
    block_draw: Raster  # [0, 1), one value a block of parcels
    across_m: Raster  # place across the parcels, from any origin in each block
    shore_m: Raster  # distance to the nearest shore, negative in water; at most water.REACH_M
    bank: NDArray[np.uint8]  # Cover code of the nearest water, 0 where none is within reach
    roof_rgb: Rgb


class Landscape:
    """The plan of a world, which reaches beyond its bounds; the land of a window depends on place alone."""

    def __init__(self, bounds: Bounds, seed: int, character: Character) -> None:
        self.seed, self.character = seed, character
        self._corner_m = bounds.xmin, bounds.ymax
        self.relief = Relief(seed, bounds, character.relief_m)
        self.places = found_places(
            self.relief, bounds, seed, character.settlement_spacing_m, character.town_spacing_m
        )
        self.roads = build_roads(self.relief, self.places, seed)
        self._ways = Segments.of([(road.line_m, road.width_m, road.cover) for road in self.roads])
        self._circles = np.array([place[2:] for place in self.places]).reshape(-1, 3)
        self._settlements: LRUCache[int, Settlement] = LRUCache(SETTLEMENTS_KEPT)
        pixel_grid = PixelGrid(bounds.xmin, bounds.ymax, 0.01 * bounds.width_m, 100, 100)
        steep = self.relief.steepness(pixel_grid, pixel_grid.window)
        noise = np.random.default_rng(0).standard_normal(steep.shape)
        woods = noise + STEEP_WOODS * steep  # of which `forest_share` of the land exceeds the limit
        self._wooded_above = float(np.quantile(woods, 1 - character.forest_share))

    @property
    def height_range_m(self) -> tuple[float, float]:
        """Limits that no surface exceeds."""
        low, high = self.relief.height_range_m
        return low, high + TALLEST_M

    def settlement(self, number: int) -> Settlement:
        """Return the settlement at a place."""
        if (found := self._settlements.get(number)) is None:
            place = self.places[number]
            roads, tracks = (
                roads_at(self.roads, number, place, cover) for cover in (Cover.ROAD, Cover.TRACK)
            )
            pixel_grid = PixelGrid(*self._corner_m, SURVEY_M, 0, 0)
            window = pixel_grid.window_of(place.bounds)
            terrain, water = self.relief.ground(pixel_grid, window)
            slope = np.hypot(*np.gradient(terrain, SURVEY_M))
            blocked = (water.shore_m < SHORE_M) | (slope > STEEP)
            survey = Survey(pixel_grid.bounds_of(window), terrain, blocked)
            found = build_settlement(place, roads, tracks, survey, self.character.repetition)
            self._settlements[number] = found
        return found

    def terrain(self, pixel_grid: PixelGrid, window: Window) -> Raster:
        """Return heights (rows, cols) of the bare earth and of water."""
        bed_m, water = self.relief.ground(pixel_grid, window)
        return np.where(water.kind > 0, water.level_m, bed_m)

    def land(self, pixel_grid: PixelGrid, window: Window) -> Land:
        """Return all layers over a window."""
        wide = window.grown(margin_px(pixel_grid.resolution_m))
        bed_m, shores = self.relief.ground(pixel_grid, wide)
        water, shore_m = shores.kind, shores.shore_m
        terrain = np.where(water > 0, shores.level_m, bed_m)
        bounds, (x, y, radius) = pixel_grid.bounds_of(wide), self._circles.T
        reach = radius + LOT_M
        near = (x + reach > bounds.xmin) & (x - reach < bounds.xmax)
        near &= (y + reach > bounds.ymin) & (y - reach < bounds.ymax)
        settlements = [self.settlement(int(number)) for number in np.flatnonzero(near)]
        fields = plant_fields(
            pixel_grid, wide, self.seed, self.character.district_m, self.character.repetition
        )
        ground = self._country(pixel_grid, wide, fields, shore_m)
        for settlement in settlements:
            draw_lots(ground, settlement.lots, pixel_grid, wide)
        ground[water > 0] = water[water > 0]
        surface = terrain.copy()
        road_m = self._pave(ground, surface, settlements, water > 0, pixel_grid, wide)
        roof_rgb = np.zeros((*terrain.shape, 3), np.uint8)
        for settlement in settlements:
            houses = list(zip(settlement.buildings, settlement.bases_m, strict=True))
            draw_buildings(ground, surface, roof_rgb, houses, pixel_grid, wide)
        crowns = plant_trees(pixel_grid, wide, ground, fields, shore_m, road_m, self.seed)
        inside = window.within(wide)
        height, kind = (layer[inside] * (ground[inside] != Cover.ROOF) for layer in crowns[:2])
        balk = fields.balk & (ground == Cover.GRASS) & (road_m > ROADSIDE_M / 2)
        balk &= (fields.district_edge_m >= DISTRICT_EDGE_M) & (shore_m > BANK_M)
        layers = terrain, ground, crowns.tone, fields.draw, fields.tone, fields.furrow, roof_rgb
        terrain, ground, crown_tone, draw, tone, furrow, roof_rgb = (
            np.ascontiguousarray(layer[inside]) for layer in layers
        )
        evergreen = np.where(kind == Cover.CONIFER, height, np.float32(0))
        return Land(
            pixel_grid,
            window,
            terrain_m=terrain,
            surface_m=surface[inside] + height,
            leafless_m=surface[inside] + evergreen,
            ground=ground,
            crown=kind,
            crown_tone=crown_tone,
            parcel_draw=draw,
            parcel_tone=tone,
            furrow=furrow,
            balk=balk[inside],
            block_draw=fields.block_draw[inside],
            across_m=fields.across_m[inside],
            shore_m=shore_m[inside],
            bank=shores.nearest[inside],
            roof_rgb=roof_rgb,
        )

    def _country(
        self, pixel_grid: PixelGrid, window: Window, fields: Fields, shore_m: Raster
    ) -> NDArray[np.uint8]:
        """Return the cover (rows, cols) of the open country: fields, balks, tracks, woods and banks."""
        ground = np.full(shore_m.shape, Cover.FIELD, np.uint8)
        ground[fields.parcel_edge_m < BALK_M] = Cover.GRASS
        ground[fields.district_edge_m < DISTRICT_EDGE_M] = Cover.GRASS
        ground[fields.district_edge_m < 1.7] = Cover.TRACK
        woods = place_noise(pixel_grid, window, self.seed, "woods", 420.0, 5)
        woods += np.float32(STEEP_WOODS) * self.relief.steepness(pixel_grid, window)
        x, y = pixel_grid.axes(window)
        for place_x, place_y, radius in self._circles:
            reach = radius + 80.0
            cols = slice(*np.searchsorted(x, [place_x - reach, place_x + reach]))
            rows = slice(*np.searchsorted(-y, [-place_y - reach, -place_y + reach]))
            far = np.hypot(x[None, cols] - place_x, y[rows, None] - place_y) - radius
            woods[rows, cols] -= np.clip(2.5 - far / 32.0, 0, None).astype(np.float32)
        ground[(woods > self._wooded_above) & (fields.district_edge_m >= 1.7)] = Cover.FOREST
        wild = place_noise(pixel_grid, window, self.seed, "bank", 25.0, 3)
        ground[shore_m < 11 + 3 * wild] = Cover.GRASS
        ground[shore_m < 2.5 + 1.2 * wild] = Cover.SHORE
        return ground

    def _pave(
        self,
        ground: NDArray[np.uint8],
        surface: Raster,
        settlements: list[Settlement],
        water: NDArray[np.bool_],
        pixel_grid: PixelGrid,
        window: Window,
    ) -> Raster:
        """Draw roads with their verges, and bridges; return the distance (rows, cols) to roads."""
        bounds = pixel_grid.bounds_of(window)
        ways = self._ways.near(bounds, ROADSIDE_M)
        for settlement in settlements:
            ways = ways.joined(settlement.streets.near(bounds, ROADSIDE_M))
        nearest = np.full(ground.shape, np.float32(ROADSIDE_M))
        for cover, verge_m in ((Cover.TRACK, 1.2), (Cover.ROAD, 2.2)):
            these = ways.chosen(ways.kind == cover)
            edge_m = distance_m(these, pixel_grid, window, ROADSIDE_M)
            verge = (edge_m < verge_m) & np.isin(ground, (Cover.FIELD, Cover.FOREST))
            ground[verge] = Cover.GRASS
            ground[edge_m < 0] = cover
            np.minimum(nearest, edge_m, out=nearest)
        deck = (nearest < 0) & water
        surface[deck] += np.float32(BRIDGE_M)
        return nearest
