"""A world of any size from a seed, made window by window."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.simulator.light.painter import Painter
from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world import Capture, PixelGrid, Raster, Rgb, Window, World, season_of
from hinted_posenet.simulator.world.generated.landscape import Character, Land, Landscape
from hinted_posenet.simulator.world.tiles import TILE_PX

KEPT_MB = 250.0  # of lands, so that all seasons of a tile are painted from one


class GeneratedWorld(World):
    """A square world centered on (0, 0), made in blocks of TILE_PX; the same arguments give the same bytes.

    Args:
        seed: seed of everything that is drawn.
        seasons: name -> season; each is one capture.
        size_m: side of the world, 200 m to 100 km.
        resolution_m: ground pixel of the orthophoto.
        node_m: distance between the nodes of surface and terrain; resolution_m times a power of two.
        relief_m: height between valleys and hills.
        settlement_spacing_m: side of a square that holds about one farm, hamlet or village.
        town_spacing_m: side of a square that holds one town.
        district_m: size of the districts within which fields have one direction.
        forest_share: share of the land that is forest.
        repetition: share of streets whose houses are identical, and evenness of the fields; with 1,
            an image can look like many others.
        longitude_deg: longitude of the center.
        latitude_deg: latitude of the center; it also decides sun and climate.
    """

    def __init__(
        self,
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
    ) -> None:
        if not (200 <= size_m <= 100_000 and resolution_m > 0 and node_m >= resolution_m):
            raise InputError(
                "world: expected 200 <= size_m <= 100000 and 0 < resolution_m <= node_m, got "
                f"size_m={size_m:g}, resolution_m={resolution_m:g}, node_m={node_m:g}"
            )
        if seed < 0:
            raise InputError(f"world.seed: expected 0 or more, got {seed}")
        if not (-90 < latitude_deg < 90 and -180 <= longitude_deg <= 180):
            raise InputError(
                "world: expected latitude_deg between -90 and 90 and longitude_deg from -180 to 180, "
                f"got {latitude_deg:g} and {longitude_deg:g}"
            )
        character = Character(
            relief_m, settlement_spacing_m, town_spacing_m, district_m, forest_share, repetition
        )
        character.check()
        side = round(size_m / resolution_m)
        half_m = 0.5 * side * resolution_m
        pixel_grid = PixelGrid(-half_m, half_m, resolution_m, side, side)
        self.landscape = Landscape(pixel_grid.bounds, seed, character)
        self.painter = Painter(seasons, latitude_deg, seed, resolution_m)
        captures = tuple(
            Capture(key, season_of(s.date, latitude_deg), s.date, float(s.solar_hour))
            for key, s in seasons.items()
        )
        range_m = self.landscape.height_range_m
        origin = Origin(longitude_deg, latitude_deg, 0.0, vertical="geoid")  # z = 0 is sea level
        super().__init__(pixel_grid, round(node_m / resolution_m), captures, range_m, origin)
        self._lands = _new_cache()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: each worker makes its own lands."""
        return self.__dict__ | {"_lands": _new_cache()}

    def photo(self, window: Window, capture: Capture) -> Rgb:
        """See `World`."""
        return self._layer(window, lambda land: self.painter.paint(land, capture.key))

    def surface(self, window: Window) -> Raster:
        """See `World`."""
        return self._nodes(self._layer(window.grown(1), lambda land: land.surface_m))

    def terrain(self, window: Window) -> Raster:
        """See `World`; water counts as terrain up to its surface."""
        return self._nodes(self.landscape.terrain(self.pixel_grid, window.grown(1)))

    def cover(self, window: Window) -> NDArray[np.uint8]:
        """See `World`."""
        return self._layer(window, lambda land: np.where(land.crown > 0, land.crown, land.ground))

    def visibility_m(self, capture: Capture) -> float:
        """See `World`."""
        return 1000.0 * self.painter.seasons[capture.key].visibility_km

    def _layer(self, window: Window, of: Callable[[Land], np.ndarray]) -> np.ndarray:
        """Return what ``of`` makes of the land (rows, cols, ...) of a window, block by block."""
        pixels: np.ndarray | None = None
        for block in window.blocks(TILE_PX):
            if (land := self._lands.get(block)) is None:
                wide = block.grown(self.painter.margin_px)
                land = self._lands[block] = self.landscape.land(self.pixel_grid, wide)
            part = block.overlap(window)
            values = of(land)[part.within(land.window)]
            if pixels is None:
                pixels = np.empty((window.rows, window.cols, *values.shape[2:]), values.dtype)
            pixels[part.within(window)] = values
        assert pixels is not None  # a window touches a block
        return pixels

    def _nodes(self, pixels: Raster) -> Raster:
        """Return nodes, which lie on the corners of pixels, as means of the four pixels there."""
        before, after = slice(0, -1, self.node_px), slice(1, None, self.node_px)
        south = pixels[after, after] + pixels[after, before]
        total = south + pixels[before, after] + pixels[before, before]
        return np.asarray(np.float32(0.25) * total, np.float32)


def _new_cache() -> LRUCache[Window, Land]:
    return LRUCache(KEPT_MB * 1e6, _size_bytes)


def _size_bytes(land: Land) -> int:  # named, since a lambda cannot travel to another process
    return sum(layer.nbytes for layer in land[2:])
