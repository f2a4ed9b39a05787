"""Heights of a map, read by windows: which altitudes they are, and what lies in gaps."""

import logging
import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pyproj
from rasterio.crs import CRS
from rasterio.fill import fillnodata
from scipy.ndimage import distance_transform_edt

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import VERTICALS
from hinted_posenet.simulator.world import PixelGrid, Raster
from hinted_posenet.simulator.world.bands import Heights
from hinted_posenet.simulator.world.geotiff import extent_of, open_geotiff
from hinted_posenet.simulator.world.heights import Known
from hinted_posenet.simulator.world.mosaic import Mosaic

VOID_M = 30.0  # a gap whose middle is farther than this from a known height is unknown ground
PROBE_PX = 512  # heights a side that are read once: all of a small file, or of a coarse overview

log = logging.getLogger(__name__)


class DemFiles:
    """Heights of rasters that may overlap: the first wins. Gaps are interpolated; large ones are unknown."""

    def __init__(self, files: Sequence[Path], local: CRS) -> None:
        for path in files:
            with open_geotiff(path) as file:
                Heights().check(file)
        self._extents = [extent_of(path, local) for path in files]
        self._local_wkt = local.to_wkt()
        self._reach_m = max(VOID_M, 2 * max(one.resolution_m for one in self._extents))
        self._middle_m = self._probe()

    def part(self, grid: PixelGrid) -> tuple[Raster, Known]:
        """See `HeightSource`."""
        heights, known = self._raw(grid)
        if known.all():
            return heights, known
        margin = min(math.ceil(self._reach_m / grid.resolution_m), max(grid.rows, grid.cols))
        around = grid.window.grown(margin)
        heights, known = self._raw(grid.part(around))
        inner = grid.window.within(around)
        if not known.any():
            shape = grid.rows, grid.cols
            return np.full(shape, self._middle_m, np.float32), np.zeros(shape, np.bool_)
        away, nearest = distance_transform_edt(~known, return_indices=True)
        reach = self._reach_m / grid.resolution_m  # in pixels
        filled = fillnodata(heights, known, max_search_distance=2 * reach)
        gap = ~known & (away > reach)
        filled = np.where(gap, heights[tuple(nearest)], filled)
        return filled[inner].astype(np.float32), ~gap[inner]

    def _raw(self, grid: PixelGrid) -> tuple[Raster, Known]:
        with closing(Mosaic(self._extents, CRS.from_wkt(self._local_wkt), grid, Heights())) as dem:
            heights, known = dem.raw(grid.window)
        return heights[..., 0], known

    def _probe(self) -> float:
        """Return the median height in the middle of the largest file; heights that are none are found here."""
        extent = max(self._extents, key=lambda one: one.bounds.width_m * one.bounds.height_m)
        cell_m = extent.resolution_m * max((1, *extent.overviews))
        (x, y), reach_m = extent.bounds.center_m, cell_m * PROBE_PX / 2
        heights, known = self._raw(PixelGrid(x - reach_m, y + reach_m, cell_m, PROBE_PX, PROBE_PX))
        return float(np.median(heights[known])) if known.any() else 0.0


def vertical_of(files: Sequence[Path], stated: str | None) -> str:
    """Return what heights are above, one of `VERTICALS`: what the user states, else what the files say.

    Raises:
        InputError: The statement is none of these, or a file contradicts it or another file.
    """
    if stated is not None and stated not in VERTICALS:
        raise InputError(f"dem_above={stated}: expected one of {', '.join(VERTICALS)}")
    said = {path: found for path in files if (found := _vertical_crs(path))}
    for path, found in said.items():
        expected = stated or next(iter(said.values()))
        if found != expected:
            raise InputError(
                f"{path}: its heights are above the {found} by its CRS, expected {expected} as dem_above or other "
                "files state; leave dem_above out, or correct the file"
            )
    return stated or next(iter(said.values()), "unknown")


def _vertical_crs(path: Path) -> str | None:
    """Return what a file's CRS counts heights from: ellipsoid or geoid; None where it has no vertical part."""
    with open_geotiff(path) as file:
        crs = pyproj.CRS.from_wkt(file.crs.to_wkt()) if file.crs else None
    if crs is None:
        return None
    vertical = [
        part for part in (crs, *crs.sub_crs_list) if part.is_vertical and not part.is_compound
    ]
    if vertical:
        return "ellipsoid" if "ellipsoid" in vertical[0].name.lower() else "geoid"
    return "ellipsoid" if len(crs.axis_info) == 3 else None
