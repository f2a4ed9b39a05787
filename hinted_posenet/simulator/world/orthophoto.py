"""World from real orthophotos and heights: GeoTIFFs of some dates, read by windows."""

import math
from collections.abc import Mapping

import numpy as np

from hinted_posenet.simulator.world.dates import Files, dated_files, iso_date, season_of
from hinted_posenet.simulator.world.elevation import Elevation, finest_m, height_files, read_on
from hinted_posenet.simulator.world.geotiff import (
    extent_of,
    local_frame,
    open_geotiff,
    require_photo,
)
from hinted_posenet.simulator.world.mosaic import PHOTO, Mosaic, common_grid, shared_window
from hinted_posenet.simulator.world.pixel_grid import Window
from hinted_posenet.simulator.world.tiles import TILE_PX
from hinted_posenet.simulator.world.world import Capture, Origin, Raster, Rgb, World


class OrthophotoWorld(World):
    """Mosaics of some dates over heights; beyond its borders it continues as its last pixels.

    Args:
        mosaics: capture -> its photo, all on one grid.
        inside: the part of that grid that is the world.
        terrain: heights of the ground; None is flat at 0.
        surface: heights with buildings and trees; None is flat at 0.
        node_px: pixels between two nodes.
        origin: where it lies on Earth.
    """

    def __init__(
        self,
        mosaics: Mapping[Capture, Mosaic],
        inside: Window,
        terrain: Elevation | None,
        surface: Elevation | None,
        node_px: int,
        origin: Origin,
    ) -> None:
        ranges = [dem.range_m for dem in (terrain, surface) if dem is not None] or [(0.0, 0.0)]
        super().__init__(
            next(iter(mosaics.values())).grid.part(inside),
            node_px,
            tuple(mosaics),
            (min(low for low, _ in ranges), max(high for _, high in ranges)),
            origin,
        )
        self._mosaics, self._inside = dict(mosaics), inside
        self._terrain, self._surface = terrain, surface

    def photo(self, window: Window, capture: Capture) -> Rgb:
        """See `World`; nodata takes the colour of the nearest valid pixel."""
        return read_on(self._mosaics[capture], window, self._inside)

    def surface(self, window: Window) -> Raster:
        """See `World`."""
        return self._heights(self._surface, window)

    def terrain(self, window: Window) -> Raster:
        """See `World`."""
        return self._heights(self._terrain, window)

    def _heights(self, elevation: Elevation | None, window: Window) -> Raster:
        if elevation is not None:
            return elevation.nodes(window)
        shape = window.rows // self.node_px + 1, window.cols // self.node_px + 1
        return np.zeros(shape, np.float32)


def orthophoto_world(
    source: Files | Mapping[str, Files],
    resolution_m: float | None = None,
    seasons: Mapping[str, str] | None = None,
    elevation: Files | None = None,
    surface: Files | None = None,
    node_m: float | None = None,
) -> OrthophotoWorld:
    """World of real orthophotos; East and North are true ground metres around its origin.

    Args:
        source: a folder or list of GeoTIFFs with YYYYMMDD in their names, or a mapping
            date -> file or list of files. Files of one date may overlap: the first by name wins.
        resolution_m: ground resolution; null takes that of the finest file.
        seasons: date -> season, where the month (northern hemisphere) is not to decide.
        elevation: GeoTIFFs of the ground's height in metres (DTM); null takes the surface's.
        surface: GeoTIFFs of the height with buildings and trees (DSM); null takes the elevation's,
            and with neither the world is flat at z = 0.
        node_m: distance between heights; null takes that of the finest height file. It becomes
            the next smaller power of two times the resolution.

    Raises:
        InputError: a file that cannot be used, dates without ground in common, or heights that
            do not cover the photos.
    """
    files = dated_files(source)
    for path in (path for paths in files.values() for path in paths):
        with open_geotiff(path) as file:
            require_photo(file)
    origin, local = local_frame(next(iter(files.values())))
    extents = {date: [extent_of(path, local) for path in paths] for date, paths in files.items()}
    grid = common_grid(extents, resolution_m)
    named = {iso_date(date): season for date, season in (seasons or {}).items()}
    mosaics = {
        Capture(date, named.get(date, season_of(date)), date): Mosaic(extent, local, grid, PHOTO)
        for date, extent in extents.items()
    }
    inside = shared_window(list(mosaics.values()))
    heights = {
        key: height_files(given, key)
        for key, given in (("elevation", elevation), ("surface", surface))
        if given is not None
    }
    node_px = _node_px(
        node_m or min(map(finest_m, heights.values()), default=math.inf), grid.resolution_m
    )
    dems = {
        key: Elevation(paths, local, grid.part(inside), node_px, key)
        for key, paths in heights.items()
    }
    any_dem = next(iter(dems.values()), None)
    return OrthophotoWorld(
        mosaics,
        inside,
        dems.get("elevation", any_dem),
        dems.get("surface", any_dem),
        node_px,
        origin,
    )


def _node_px(node_m: float, resolution_m: float) -> int:
    """Power of two pixels, so that tiles hold whole nodes; at most a tile."""
    if node_m / resolution_m >= TILE_PX:
        return TILE_PX
    return int(2 ** math.floor(math.log2(max(node_m / resolution_m, 1.0) * (1 + 1e-6))))
