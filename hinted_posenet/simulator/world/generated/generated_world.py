"""A world from a seed, of any size, made window by window."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.painter import Painter
from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world.dates import season_of
from hinted_posenet.simulator.world.generated.land import Land
from hinted_posenet.simulator.world.generated.landscape import Character, Landscape
from hinted_posenet.simulator.world.pixel_grid import PixelGrid, Window
from hinted_posenet.simulator.world.tiles import TILE_PX
from hinted_posenet.simulator.world.world import Capture, Origin, Raster, Rgb, World

KEPT_MB = 250.0  # of lands, so that a tile's seasons are painted from one


def generated_world(
    seed: int,
    seasons: Mapping[str, Season],
    size_m: float = 2000.0,
    resolution_m: float = 1.0,
    node_m: float = 2.0,
    relief_m: float = 90.0,
    settlement_spacing_m: float = 1100.0,
    town_spacing_m: float = 6000.0,
    district_m: float = 520.0,
    forest_share: float = 0.25,
    repetition: float = 0.3,
    longitude_deg: float = 11.0,
    latitude_deg: float = 48.0,
) -> World:
    """Square world centerd on (0, 0); the same arguments give the same bytes.

    Args:
        seed: of everything that is drawn.
        seasons: name -> season; each is one capture.
        size_m: side of the world, 200 m to 100 km.
        resolution_m: ground pixel of the orthophoto.
        node_m: distance of the nodes of surface and terrain; resolution_m times a power of two.
        relief_m: height between valleys and hills.
        settlement_spacing_m: about one farm, hamlet or village in a square of this side.
        town_spacing_m: one town in a square of this side.
        district_m: size of the districts within which fields have one direction.
        forest_share: of the land.
        repetition: share of streets whose houses are all alike, and evenness of the fields; with 1,
            one image can look like many others.
        longitude_deg: of the middle.
        latitude_deg: of the middle; for the sun and the climate too.
    """
    if not (200 <= size_m <= 100_000 and resolution_m > 0 and node_m >= resolution_m):
        raise InputError(
            "world: expected 200 <= size_m <= 100000 and 0 < resolution_m <= node_m, got "
            f"size_m={size_m:g}, resolution_m={resolution_m:g}, node_m={node_m:g}"
        )
    if seed < 0:
        raise InputError(f"world.seed: expected 0 or more, got {seed}")
    character = Character(
        relief_m, settlement_spacing_m, town_spacing_m, district_m, forest_share, repetition
    )
    for name, value in character._asdict().items():
        if name.endswith("_m"):
            if not value > 0:
                raise InputError(f"world.{name}: expected more than 0, got {value:g}")
        elif not 0 <= value <= 1:
            raise InputError(f"world.{name}: expected 0 to 1, got {value:g}")
    if not (-90 < latitude_deg < 90 and -180 <= longitude_deg <= 180):
        raise InputError(
            "world: expected latitude_deg between -90 and 90 and longitude_deg from -180 to 180, got "
            f"{latitude_deg:g} and {longitude_deg:g}"
        )
    side = round(size_m / resolution_m)
    half_m = 0.5 * side * resolution_m
    pixel_grid = PixelGrid(-half_m, half_m, resolution_m, side, side)
    landscape = Landscape(pixel_grid.bounds, seed, character)
    painter = Painter(seasons, latitude_deg, seed, resolution_m)
    origin = Origin(longitude_deg, latitude_deg)
    return GeneratedWorld(landscape, painter, pixel_grid, round(node_m / resolution_m), origin)


class GeneratedWorld(World):
    """A landscape, painted for each of its seasons, in blocks of TILE_PX."""

    def __init__(
        self,
        landscape: Landscape,
        painter: Painter,
        pixel_grid: PixelGrid,
        node_px: int,
        origin: Origin,
    ) -> None:
        self.landscape, self.painter = landscape, painter
        captures = tuple(
            Capture(
                key, season_of(season.date, origin.latitude_deg), season.date, season.solar_hour
            )
            for key, season in painter.seasons.items()
        )
        super().__init__(pixel_grid, node_px, captures, landscape.height_range_m, origin)
        self._lands = _memory()

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled; workers make their own lands."""
        return self.__dict__ | {"_lands": _memory()}

    def photo(self, window: Window, capture: Capture) -> Rgb:
        """See `World`."""
        return self._layer(window, lambda land: self.painter.paint(land, capture.key))

    def surface(self, window: Window) -> Raster:
        """See `World`."""
        return self._nodes(self._layer(window.grown(1), lambda land: land.surface_m))

    def terrain(self, window: Window) -> Raster:
        """See `World`; the terrain of water is its surface."""
        return self._nodes(self.landscape.terrain(self.pixel_grid, window.grown(1)))

    def cover(self, window: Window) -> NDArray[np.uint8]:
        """See `World`."""
        return self._layer(window, lambda land: np.where(land.crown > 0, land.crown, land.ground))

    def visibility_m(self, capture: Capture) -> float:
        """See `World`."""
        return self.painter.seasons[capture.key].visibility_m

    def _land(self, block: Window) -> Land:
        if (found := self._lands.get(block)) is None:
            wide = block.grown(self.painter.margin_px)
            found = self._lands[block] = self.landscape.land(self.pixel_grid, wide)
        return found

    def _layer(self, window: Window, of: Callable[[Land], np.ndarray]) -> np.ndarray:
        """What is made of the land (rows, cols, ...) of a window, block by block."""
        pixels: np.ndarray | None = None
        for block in window.blocks(TILE_PX):
            land, part = self._land(block), block.overlap(window)
            values = of(land)[part.within(land.window)]
            if pixels is None:
                pixels = np.empty((window.rows, window.cols, *values.shape[2:]), values.dtype)
            pixels[part.within(window)] = values
        assert pixels is not None  # a window touches a block
        return pixels

    def _nodes(self, pixels: Raster) -> Raster:
        """Nodes lie on the corners of pixels: means of the four pixels there."""
        south_east = pixels[1 :: self.node_px, 1 :: self.node_px]
        south_west = pixels[1 :: self.node_px, : -1 : self.node_px]
        north_east = pixels[: -1 : self.node_px, 1 :: self.node_px]
        north_west = pixels[: -1 : self.node_px, : -1 : self.node_px]
        quarter = np.float32(0.25)
        return np.asarray(quarter * (south_east + south_west + north_east + north_west), np.float32)


def _memory() -> LRUCache[Window, Land]:
    return LRUCache(KEPT_MB * 1e6, _size)


def _size(land: Land) -> int:
    return sum(layer.nbytes for layer in land[2:])
