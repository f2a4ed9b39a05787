"""A map from files: georeferenced photos of one or many dates and heights, read part by part at any resolution."""

import logging
from collections.abc import Collection
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.simulator.world import Bounds, PixelGrid, Raster
from hinted_posenet.simulator.world.bands import Photo
from hinted_posenet.simulator.world.geotiff import (
    Files,
    enu_crs,
    extent_of,
    local_frame,
    open_geotiff,
    union,
)
from hinted_posenet.simulator.world.heights import HeightSource, LevelGround
from hinted_posenet.simulator.world.map_heights import DemFiles, vertical_of
from hinted_posenet.simulator.world.map_photos import Photos, by_date, map_files, photo_files
from hinted_posenet.simulator.world.map_pyramid import Pyramid

GROUND_M, GROUND_CELLS = 20.0, 9  # around a place, in which the level of the ground is looked up
SLOW_PX = 3e7  # of a file, that one part reads: about a second

log = logging.getLogger(__name__)


class MapPart(NamedTuple):
    """A square of the map, north up, of D dates."""

    photo: NDArray[np.uint8]  # (D, n, n, 3)
    known: NDArray[np.bool_]  # (D, n, n) where a date shows the ground and its height is known
    height_m: Raster  # (n, n) at the centers of cells


class MapFiles:
    """Photos of D dates and heights; east and north are true ground metres around its origin.

    Nothing is loaded but the parts that are asked for, from overviews where these are fine enough.

    Args:
        photos: a raster (GeoTIFF, .mbtiles, whatever rasterio reads with a georeference), a folder of these, a
            folder of XYZ tiles, or a list; or a mapping date -> any of these. Dates are taken from the names of
            the files; files without one are a date each, named by the file, or tiles of one mosaic where they
            hardly overlap.
        dem: rasters of heights, of the surface if there is a choice; None is level ground.
        dem_above: what heights are above: ellipsoid or geoid; None takes it from the CRS of the files.
        ground_m: height of level ground.
        origin: where (0, 0) of the map's world lies, such as that of a data set's poses; None is the middle of the
            photos.
        leave_out: dates that are not read.

    Raises:
        InputError: A file cannot be used.
    """

    def __init__(
        self,
        photos: Photos,
        dem: Files | None = None,
        dem_above: str | None = None,
        ground_m: float = 0.0,
        origin: Origin | None = None,
        leave_out: Collection[str] = (),
    ) -> None:
        paths, stated = photo_files(photos)
        for path in paths:
            _check_photo(path)
        origin, local = (origin, enu_crs(origin)) if origin else local_frame(paths)
        extents = {path: extent_of(path, local) for path in paths}
        dates = by_date(list(extents.values()))
        if stated:
            dates = {date: [extents[path] for path in part] for date, part in stated.items()}
        dates = {date: part for date, part in dates.items() if date not in leave_out}
        if not dates:
            raise InputError("map: all dates are left out; leave out fewer of them")
        self._pyramids = {date: Pyramid(part, local) for date, part in dates.items()}
        heights = [] if dem is None else map_files(dem, "dem")
        self.origin: Origin = origin._replace(vertical=vertical_of(heights, dem_above))
        self._ground: HeightSource = DemFiles(heights, local) if heights else LevelGround(ground_m)
        if not heights:
            log.warning(
                "map: no heights given, so the ground is taken as level at %g m; give dem=FILE",
                ground_m,
            )
        self._warned = False

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the dates, ISO where they are known."""
        return tuple(self._pyramids)

    @property
    def bounds(self) -> Bounds:
        """Extent in metres of the photos of all dates."""
        return union([pyramid.bounds for pyramid in self._pyramids.values()])

    @property
    def resolution_m(self) -> float:
        """Ground size of the finest photo's pixels."""
        return min(pyramid.resolution_m for pyramid in self._pyramids.values())

    def part(self, center_m: tuple[float, float], cells: int, cell_m: float) -> MapPart:
        """Read the square of ``cells`` cells a side around a point; beyond the map, nothing is known.

        Cells that are larger than the pixels of a file average them.
        """
        reach_m = cells * cell_m / 2
        x, y = center_m
        grid = PixelGrid(x - reach_m, y + reach_m, cell_m, cells, cells)
        self._warn_if_slow(grid)
        photos, known = zip(*(one.part(grid) for one in self._pyramids.values()), strict=True)
        height_m, has_height = self._ground.part(grid)
        return MapPart(np.stack(photos), np.stack(known) & has_height, height_m)

    def ground_m(self, x_m: float, y_m: float) -> float:
        """Return the height around a place: the median of some 20 m, so that a tree does not count."""
        cell_m = max(self.resolution_m, GROUND_M / GROUND_CELLS)
        reach_m = GROUND_CELLS * cell_m / 2
        grid = PixelGrid(x_m - reach_m, y_m + reach_m, cell_m, GROUND_CELLS, GROUND_CELLS)
        return float(np.median(self._ground.part(grid)[0]))

    def _warn_if_slow(self, grid: PixelGrid) -> None:
        """Say once how to make a file fast that has no overview of a resolution that is asked for."""
        if self._warned:
            return
        for extent in (extent for one in self._pyramids.values() for extent in one.extents):
            finer = [f for f in extent.overviews if f * extent.resolution_m <= grid.resolution_m]
            step_m = max(finer, default=1) * extent.resolution_m
            whole, asked = (
                box.width_m * box.height_m / step_m**2 for box in (extent.bounds, grid.bounds)
            )
            if min(whole, asked) < SLOW_PX:
                continue
            self._warned = True
            log.warning(
                "%s: it has no overview of about %.3g m a pixel, so that reading it is slow; run: rio overview "
                "--build 2,4,8,16,32 --resampling average %s",
                *(extent.path, grid.resolution_m, quote(str(extent.path))),
            )
            return


def _check_photo(path: Path) -> None:
    with open_geotiff(path) as file:
        if file.count == 1 and file.dtypes[0].startswith("float"):
            raise InputError(
                f"{path}: one band of {file.dtypes[0]} looks like heights, expected photos; give heights as dem="
            )
        Photo().check(file)
