"""Mosaics: GeoTIFFs of any CRS warped to one grid, read block by block, and the ground that all dates show."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from shlex import quote
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # what reading raises, public nowhere
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterWindow
from scipy.ndimage import distance_transform_edt

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world import PixelGrid, Window
from hinted_posenet.simulator.world.bands import Layer, Mask, Values
from hinted_posenet.simulator.world.geotiff import (
    Extent,
    intersection,
    open_geotiff,
    placement,
    union,
)

BLOCK_PX = 512  # the tiles of the renderer: one read makes one tile
FILL_PX = 128  # nodata takes the nearest valid pixel of its block or of this margin around it
OPEN_FILES = 16
COLLAR = 0.01  # of a photo: more in pure black is no shadow
MASK_PX = 2048  # longest side of a whole mosaic that is read at once, coarsely

log = logging.getLogger(__name__)


class Mosaic:
    """One raster of the pixels of ``grid``, which lies in the frame ``local``, from overlapping files.

    The first file wins; later ones fill its nodata.
    """

    def __init__(
        self, extents: Sequence[Extent], local: CRS, grid: PixelGrid, layer: Layer
    ) -> None:
        self.extents, self.local, self.grid, self.layer = tuple(extents), local, grid, layer
        self._open = _Open(self)

    def read(self, window: Window, inside: Window) -> Values:
        """Return filled pixels (rows, cols, bands) of a window that lies within ``inside``.

        Blocks start at the north-west corner of ``inside``, and nothing outside of it is read.
        """
        out = np.empty((window.rows, window.cols, self.layer.bands), self.layer.dtype)
        for square in window.moved(-inside.row, -inside.col).blocks(BLOCK_PX):
            block = square.moved(inside.row, inside.col).overlap(inside)
            part = block.overlap(window)
            out[part.within(window)] = self._filled(block, inside)[part.within(block)]
        return out

    def _filled(self, block: Window, inside: Window) -> Values:
        values, valid = self.raw(block)
        if valid.all():
            return values
        around = block.grown(FILL_PX).overlap(inside)
        values, valid = self.raw(around)
        if not valid.any():
            values[...] = self.layer.neutral
        elif not valid.all():
            nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
            values = values[tuple(nearest)]
        return values[block.within(around)]

    def raw(self, window: Window) -> tuple[Values, Mask]:
        """Return values (rows, cols, bands) of a window of the grid, and where they are valid."""
        values = np.zeros((window.rows, window.cols, self.layer.bands), self.layer.dtype)
        valid = np.zeros((window.rows, window.cols), np.bool_)
        wanted = self.grid.bounds_of(window)
        place = RasterWindow(window.col, window.row, window.cols, window.rows)
        for number, extent in enumerate(self.extents):
            box = extent.bounds
            apart = box.xmin >= wanted.xmax or box.xmax <= wanted.xmin
            if apart or box.ymin >= wanted.ymax or box.ymax <= wanted.ymin:
                continue
            try:
                part, known = self.layer.read(self._open.file(number), place)
            except (RasterioError, CPLE_BaseError):
                raise InputError(
                    f"{extent.path}: cannot be read to its end, so it is damaged or cut off; fetch it again"
                ) from None
            new = known & ~valid
            np.copyto(values, part, where=new[..., None])
            valid |= known
            if valid.all():
                break
        return values, valid

    def whole(self) -> tuple[Values, Mask, int]:
        """Read the whole grid, at most `MASK_PX` a side: values, where they are valid, and the factor.

        Each pixel of the result covers ``factor`` pixels of the grid a side.
        """
        grid = self.grid
        factor = max(1, -(-max(grid.rows, grid.cols) // MASK_PX))
        rows, cols = max(grid.rows // factor, 1), max(grid.cols // factor, 1)
        small = PixelGrid(grid.xmin, grid.ymax, grid.resolution_m * factor, rows, cols)
        with closing(Mosaic(self.extents, self.local, small, self.layer)) as coarse:
            values, valid = coarse.raw(small.window)
        return values, valid, factor

    def close(self) -> None:
        """Close the files; they are opened again when they are needed."""
        self._open.clear()

    def warped(self, number: int) -> WarpedVRT:
        """Open a file on the grid, from its coarsest overview that is still finer than the grid."""
        extent, grid = self.extents[number], self.grid
        finer = [
            level
            for level, factor in enumerate(extent.overviews)
            if factor * extent.resolution_m <= grid.resolution_m
        ]
        file = open_geotiff(extent.path, finer[-1] if finer else None)
        step_m = extent.resolution_m * (extent.overviews[finer[-1]] if finer else 1)
        averaged = step_m < grid.resolution_m
        # GDAL guesses the scale from the whole grid, wrongly where the file covers but a part of it
        scale = dict.fromkeys(("XSCALE", "YSCALE"), str(step_m / grid.resolution_m))
        return WarpedVRT(
            file,
            crs=self.local,
            transform=from_origin(grid.xmin, grid.ymax, grid.resolution_m, grid.resolution_m),
            width=grid.cols,
            height=grid.rows,
            **(scale if averaged else {}),
            **placement(file).options,
            **self.layer.options(file),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None, "local": self.local.to_wkt()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.local, self._open = CRS.from_wkt(state["local"]), _Open(self)


class _Open(LRUCache[int, WarpedVRT]):
    """The files that this process used last: GDAL's handles do not survive a fork."""

    def __init__(self, mosaic: Mosaic) -> None:
        super().__init__(OPEN_FILES)
        self.mosaic, self.process = mosaic, os.getpid()

    def file(self, number: int) -> WarpedVRT:
        if self.process != os.getpid():
            self.clear()
            self.process = os.getpid()
        if number not in self:
            self[number] = self.mosaic.warped(number)
        return self[number]

    def popitem(self) -> tuple[int, WarpedVRT]:
        number, warped = super().popitem()
        warped.close()
        warped.src_dataset.close()
        return number, warped


def common_grid(
    extents: Mapping[str, Sequence[Extent]], resolution_m: float | None = None
) -> PixelGrid:
    """Return pixels over the bounds that all dates share; None takes the finest file's resolution."""
    finest_m = min(extent.resolution_m for files in extents.values() for extent in files)
    res_m = resolution_m or finest_m
    common = intersection([union([extent.bounds for extent in f]) for f in extents.values()])
    if common.width_m < res_m or common.height_m < res_m:
        names = ", ".join(str(files[0].path) for files in extents.values())
        raise InputError(
            f"{names}: these orthophotos have no ground in common; give dates of one place"
        )
    rows, cols = int(common.height_m / res_m), int(common.width_m / res_m)
    return PixelGrid(common.xmin, common.ymax, res_m, rows, cols)


def shared_window(mosaics: Sequence[Mosaic]) -> Window:
    """Return the part of the grid that every mosaic covers, except for few holes.

    Warped rasters have empty wedges at their borders, which show no ground. What a file shows in pure black there,
    without stating that it is nodata, is taken for ground, with a warning.
    """
    values, valid, factors = zip(*(mosaic.whole() for mosaic in mosaics), strict=True)
    for mosaic, photo, known in zip(mosaics, values, valid, strict=True):
        black = float((known & (photo.max(axis=-1) == 0)).mean())
        if black > COLLAR:
            path = mosaic.extents[0].path
            log.warning(
                "%s: %.0f %% of the photo is pure black, which is flown over like ground; if these pixels show "
                "none, run: rio edit-info --nodata 0 %s",
                *(path, 100 * black, quote(str(path))),
            )
    factor = factors[0]  # of one grid
    top, bottom, left, right = _covered(np.logical_and.reduce(valid))
    coarse = Window(top * factor, left * factor, (bottom - top) * factor, (right - left) * factor)
    return coarse.overlap(mosaics[0].grid.window)


def _covered(valid: NDArray[np.bool_], holes: float = 0.01) -> tuple[int, int, int, int]:
    """Return rows [top, bottom), columns [left, right) whose borders are valid except for few holes."""
    top, left, (bottom, right) = 0, 0, valid.shape
    while top < bottom and left < right:
        missing = {
            "top": 1 - valid[top, left:right].mean(),
            "bottom": 1 - valid[bottom - 1, left:right].mean(),
            "left": 1 - valid[top:bottom, left].mean(),
            "right": 1 - valid[top:bottom, right - 1].mean(),
        }
        worst = max(missing, key=missing.__getitem__)
        if missing[worst] <= holes:
            return top, bottom, left, right
        top, bottom = top + (worst == "top"), bottom - (worst == "bottom")
        left, right = left + (worst == "left"), right - (worst == "right")
    raise InputError(
        "world.source: the dates share no ground without nodata; give dates of one place"
    )
