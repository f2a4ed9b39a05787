"""Mosaic: GeoTIFFs of any CRS warped to one grid, read block by block, and the ground that all dates show."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterWindow
from scipy.ndimage import distance_transform_edt

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.geotiff import Extent, open_geotiff, union
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid, Window

BLOCK_PX = 512  # the tiles of the renderer: one read makes one tile
FILL_PX = 128  # nodata takes the nearest valid pixel of its block and of this margin around it
OPEN_FILES = 16
MASK_PX = 2048  # longest side of a whole mosaic that is read at once, coarsely

Bands = NDArray[Any]  # (rows, cols, bands)
Mask = NDArray[np.bool_]  # (rows, cols)


class Layer(NamedTuple):
    """How the bands of a mosaic are read."""

    bands: tuple[int, ...]
    resampling: Resampling
    dtype: str
    neutral: float  # where no valid pixel is near


PHOTO = Layer((1, 2, 3), Resampling.cubic, "uint8", 128)
HEIGHTS = Layer((1,), Resampling.bilinear, "float32", 0.0)
OUTSIDE_M = -99999.0  # height that marks what heights do not cover


class Mosaic:
    """One raster from overlapping files; the first wins, later ones fill its nodata.

    Args:
        extents: the files in order of precedence.
        local: the frame of ``grid``.
        grid: the pixels that are read.
        layer: bands, resampling and type.
    """

    def __init__(
        self, extents: Sequence[Extent], local: CRS, grid: PixelGrid, layer: Layer = PHOTO
    ) -> None:
        self.extents, self.local, self.grid, self.layer = tuple(extents), local, grid, layer
        self._open = _Open(self)

    def read(self, window: Window, inside: Window) -> Bands:
        """Filled pixels (rows, cols, bands) of a window that lies within ``inside``.

        Blocks start at the north-west corner of ``inside``, and nothing outside of it is looked at.
        """
        out = np.empty((window.rows, window.cols, len(self.layer.bands)), self.layer.dtype)
        for square in window.moved(-inside.row, -inside.col).blocks(BLOCK_PX):
            block = square.moved(inside.row, inside.col).overlap(inside)
            part = block.overlap(window)
            out[part.within(window)] = self._filled(block, inside)[part.within(block)]
        return out

    def _filled(self, block: Window, inside: Window) -> Bands:
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

    def raw(self, window: Window) -> tuple[Bands, Mask]:
        """Values (rows, cols, bands) of a window of the grid, and where they are valid."""
        values = np.zeros((window.rows, window.cols, len(self.layer.bands)), self.layer.dtype)
        valid = np.zeros((window.rows, window.cols), np.bool_)
        wanted = self.grid.bounds_of(window)
        for number, extent in enumerate(self.extents):
            box = extent.bounds
            apart = box.xmin >= wanted.xmax or box.xmax <= wanted.xmin
            if apart or box.ymin >= wanted.ymax or box.ymax <= wanted.ymin:
                continue
            part, known = _read(self._open.file(number), self.layer, window)
            new = known & ~valid
            np.copyto(values, part, where=new[..., None])
            valid |= known
            if valid.all():
                break
        return values, valid

    def whole(self) -> tuple[Bands, Mask, int]:
        """The whole grid, at most `MASK_PX` a side: values, where they are valid, and the factor.

        Pixel (i, j) covers ``factor`` times as many pixels of the grid a side.
        """
        grid = self.grid
        factor = max(1, -(-max(grid.rows, grid.cols) // MASK_PX))
        small = PixelGrid(
            grid.xmin,
            grid.ymax,
            grid.resolution_m * factor,
            max(grid.rows // factor, 1),
            max(grid.cols // factor, 1),
        )
        with closing(Mosaic(self.extents, self.local, small, self.layer)) as coarse:
            values, valid = coarse.raw(small.window)
        return values, valid, factor

    def close(self) -> None:
        """Close the files; they open again when they are needed."""
        self._open.clear()

    def warped(self, number: int) -> WarpedVRT:
        """A file on the grid, from its overview that is still finer than the grid."""
        extent = self.extents[number]
        finer = [
            level
            for level, factor in enumerate(extent.overviews)
            if factor * extent.resolution_m <= self.grid.resolution_m
        ]
        file = open_geotiff(extent.path, finer[-1] if finer else None)
        masked = file.nodata is not None or ColorInterp.alpha in file.colorinterp
        options: dict[str, Any] = {"add_alpha": not masked}
        if self.layer != PHOTO:
            options = {"nodata": OUTSIDE_M, "dtype": self.layer.dtype}
        return WarpedVRT(
            file,
            crs=self.local,
            transform=from_origin(
                self.grid.xmin, self.grid.ymax, self.grid.resolution_m, self.grid.resolution_m
            ),
            width=self.grid.cols,
            height=self.grid.rows,
            resampling=self.layer.resampling,
            **options,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None, "local": self.local.to_wkt()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.local, self._open = CRS.from_wkt(state["local"]), _Open(self)


class _Open(LRUCache[int, WarpedVRT]):
    """The files that were used last, of this process: GDAL's handles do not survive a fork."""

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


def _read(warped: WarpedVRT, layer: Layer, window: Window) -> tuple[Bands, Mask]:
    place = RasterWindow(window.col, window.row, window.cols, window.rows)
    values = warped.read(list(layer.bands), window=place).transpose(1, 2, 0)
    if layer == PHOTO:
        return np.ascontiguousarray(values), warped.dataset_mask(window=place) > 0
    known = np.isfinite(values[..., 0]) & (values[..., 0] > OUTSIDE_M)
    return np.ascontiguousarray(values), known


def common_grid(
    extents: Mapping[str, Sequence[Extent]], resolution_m: float | None = None
) -> PixelGrid:
    """Pixels over what the bounds of all dates share; null takes the finest file's resolution."""
    finest_m = min(extent.resolution_m for files in extents.values() for extent in files)
    res_m = resolution_m or finest_m
    boxes = [union([extent.bounds for extent in files]) for files in extents.values()]
    common = Bounds(
        max(box.xmin for box in boxes),
        max(box.ymin for box in boxes),
        min(box.xmax for box in boxes),
        min(box.ymax for box in boxes),
    )
    if common.width_m < res_m or common.height_m < res_m:
        names = ", ".join(str(files[0].path) for files in extents.values())
        raise InputError(
            f"{names}: these orthophotos have no ground in common; give dates of one place"
        )
    rows, cols = int(common.height_m / res_m), int(common.width_m / res_m)
    return PixelGrid(common.xmin, common.ymax, res_m, rows, cols)


def shared_window(mosaics: Sequence[Mosaic]) -> Window:
    """The part of the grid that every mosaic covers, but for few holes.

    Warped rasters have empty wedges at their borders; there is no ground to see in them.
    """
    _, valid, factors = zip(*(mosaic.whole() for mosaic in mosaics), strict=True)
    factor = factors[0]  # of one grid
    top, bottom, left, right = _covered(np.logical_and.reduce(valid))
    coarse = Window(top * factor, left * factor, (bottom - top) * factor, (right - left) * factor)
    return coarse.overlap(mosaics[0].grid.window)


def _covered(valid: NDArray[np.bool_], holes: float = 0.01) -> tuple[int, int, int, int]:
    """Rows [top, bottom), columns [left, right) whose borders are valid but for few holes."""
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
