"""A world from real orthophotos and heights: GeoTIFFs of several dates, read window by window."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rasterio.crs import CRS

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import (
    Capture,
    PixelGrid,
    Raster,
    Rgb,
    Window,
    World,
    geotiff,
    season_of,
)
from hinted_posenet.simulator.world.bands import Heights, Photo
from hinted_posenet.simulator.world.mosaic import Mosaic, common_grid, shared_window
from hinted_posenet.simulator.world.tiles import TILE_PX

RIM = 1.5  # pixels of the heights: what their bilinear interpolation does not reach at the border
HIDDEN_M = 30.0  # buildings and trees that a coarse view of the heights averages away

log = logging.getLogger(__name__)


class Elevation:
    """Heights in metres on nodes; beyond the border the last nodes are repeated.

    Files are GeoTIFFs of one band, by precedence. They must cover the pixel grid, which lies in the
    frame ``local``; errors name the setting ``key``.
    """

    def __init__(
        self, files: list[Path], local: CRS, pixel_grid: PixelGrid, node_px: int, key: str
    ) -> None:
        self.node_px = node_px
        node_m = pixel_grid.resolution_m * node_px
        # pixels whose centers are the nodes
        nodes = PixelGrid(
            pixel_grid.xmin - node_m / 2,
            pixel_grid.ymax + node_m / 2,
            node_m,
            pixel_grid.rows // node_px + 1,
            pixel_grid.cols // node_px + 1,
        )
        self._mosaic = Mosaic(
            [geotiff.extent_of(path, local) for path in files], local, nodes, Heights()
        )
        heights, known, factor = self._mosaic.whole()
        coarsest_m = max(extent.resolution_m for extent in self._mosaic.extents)
        rim = max(
            1, math.ceil(RIM * coarsest_m / (node_m * factor))
        )  # nearest heights are repeated
        if not known[rim:-rim, rim:-rim].all() or not known.any():
            names = ", ".join(str(path) for path in files)
            raise InputError(
                f"{names}: no height under {100 * (1 - known.mean()):.1f} % of the orthophotos; give world.{key} "
                f"more tiles, or interpolate small gaps, run: {_fill_command(files[0])}"
            )
        heights[~known] = np.nan
        lowest, highest = float(np.nanmin(heights)), float(np.nanmax(heights))
        steps = [np.nanmax(np.abs(np.diff(heights, axis=axis)), initial=0.0) for axis in (0, 1)]
        # with factor 1, these are all the nodes there are
        margin_m = HIDDEN_M + float(max(steps)) if factor > 1 else 0.0
        self.range_m = lowest - margin_m, highest + margin_m

    def nodes(self, window: Window) -> Raster:
        """Return heights (rows / node_px + 1, cols / node_px + 1) of a window of pixels."""
        row, col, rows, cols = (edge // self.node_px for edge in window)
        around = Window(row, col, rows + 1, cols + 1)
        return _repeated(self._mosaic, around, self._mosaic.grid.window)[..., 0]


def _repeated(mosaic: Mosaic, window: Window, inside: Window) -> np.ndarray:
    """Read a window relative to the corner of ``inside``, whose border pixels are repeated beyond it."""
    rows = np.clip(np.arange(window.row, window.row + window.rows), 0, inside.rows - 1)
    cols = np.clip(np.arange(window.col, window.col + window.cols), 0, inside.cols - 1)
    top, left = int(rows[0]), int(cols[0])
    core = Window(top, left, int(rows[-1]) - top + 1, int(cols[-1]) - left + 1)
    values = mosaic.read(core.moved(inside.row, inside.col), inside)
    return np.ascontiguousarray(values[rows - top][:, cols - left])


class OrthophotoWorld(World):
    """A world of real orthophotos; east and north are true ground metres around its origin.

    Beyond its borders the last pixels are repeated.

    Args:
        source: a folder or list of GeoTIFFs with YYYYMMDD in their names, or a mapping
            date -> file or list of files. Files of one date may overlap: the first by name wins.
        resolution_m: ground resolution; null takes that of the finest file.
        seasons: date -> season, to replace the season of the month (northern hemisphere).
        elevation: GeoTIFFs of the ground's height in metres (DTM); null takes the surface's.
        surface: GeoTIFFs of the height with buildings and trees (DSM); null takes the elevation's,
            and with neither the world is flat at z = 0.
        node_m: distance between heights; null takes that of the finest height file. It becomes
            the next smaller power of two times the resolution.

    Raises:
        InputError: a file that cannot be used, dates without ground in common, or heights that
            do not cover the photos.
    """

    def __init__(
        self,
        source: geotiff.Files | Mapping[str, geotiff.Files],
        resolution_m: float | None = None,
        seasons: Mapping[str, str] | None = None,
        elevation: geotiff.Files | None = None,
        surface: geotiff.Files | None = None,
        node_m: float | None = None,
    ) -> None:
        files = geotiff.dated_files(source)
        for path in (path for paths in files.values() for path in paths):
            with geotiff.open_geotiff(path) as file:
                Photo().check(file)
        origin, local = geotiff.local_frame(next(iter(files.values())))
        extents = {date: [geotiff.extent_of(path, local) for path in files[date]] for date in files}
        grid = common_grid(extents, resolution_m)
        named = {geotiff.iso_date(date): season for date, season in (seasons or {}).items()}
        self._mosaics = {
            Capture(date, named.get(date, season_of(date)), date): Mosaic(
                parts, local, grid, Photo()
            )
            for date, parts in extents.items()
        }
        self._inside = shared_window(list(self._mosaics.values()))
        pixel_grid = grid.part(self._inside)
        heights: dict[str, list[Path]] = {}
        for key, given in (("elevation", elevation), ("surface", surface)):
            if given is not None:
                heights[key] = geotiff.listed(given, key)
                for path in heights[key]:
                    with geotiff.open_geotiff(path) as file:
                        Heights().check(file)
        finest_m = min(map(_finest_m, heights.values()), default=math.inf)
        apart_px = (node_m or finest_m) / grid.resolution_m
        node_px = TILE_PX  # at most; a power of two, so that tiles hold whole nodes
        if apart_px < TILE_PX:
            node_px = int(2 ** math.floor(math.log2(max(apart_px, 1.0) * (1 + 1e-6))))
        dems = {
            key: Elevation(paths, local, pixel_grid, node_px, key) for key, paths in heights.items()
        }
        if not dems:
            log.warning(
                "world: no heights given, so the ground is taken as level at z = 0, without buildings; set "
                "world.surface or world.elevation to GeoTIFFs of heights"
            )
        any_dem = next(iter(dems.values()), None)
        self._terrain, self._surface = dems.get("elevation", any_dem), dems.get("surface", any_dem)
        ranges = [dem.range_m for dem in dems.values()] or [(0.0, 0.0)]
        range_m = min(low for low, _ in ranges), max(high for _, high in ranges)
        super().__init__(pixel_grid, node_px, tuple(self._mosaics), range_m, origin)

    when_keys = "train_dates and test_dates, or flights.NAME.when"

    def photo(self, window: Window, capture: Capture) -> Rgb:
        """See `World`; nodata takes the colour of the nearest valid pixel."""
        return _repeated(self._mosaics[capture], window, self._inside)

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


def _finest_m(files: list[Path]) -> float:
    _, local = geotiff.local_frame(files)
    return min(geotiff.extent_of(path, local).resolution_m for path in files)


def _fill_command(path: Path) -> str:
    """Return a command that interpolates the nodata of heights in place."""
    script = (
        f"import rasterio, rasterio.fill; f = rasterio.open({str(path)!r}, 'r+'); h = f.read(1); "
        "f.write(rasterio.fill.fillnodata(h, f.read_masks(1) * (h == h)), 1)"
    )
    return f'python -c "{script}"'
