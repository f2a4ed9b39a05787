"""Elevation: heights from GeoTIFFs on the nodes of a pixel grid."""

from pathlib import Path

import numpy as np
from rasterio.crs import CRS

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.dates import Files, listed
from hinted_posenet.simulator.world.geotiff import (
    extent_of,
    local_frame,
    open_geotiff,
    require_heights,
)
from hinted_posenet.simulator.world.mosaic import HEIGHTS, Mosaic
from hinted_posenet.simulator.world.pixel_grid import PixelGrid, Window
from hinted_posenet.simulator.world.world import Raster

HIDDEN_M = 30.0  # buildings and trees that a coarse view of the heights averages away


class Elevation:
    """Heights in metres on nodes; beyond the last node they go on as it does.

    Args:
        files: GeoTIFFs of one band in metres, by precedence.
        local: frame of the pixel grid.
        pixel grid: pixels that the heights must cover.
        node_px: pixels between two nodes.
        key: the setting that is named in errors.

    Raises:
        InputError: nodes of the pixel grid have no height.
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
        self._mosaic = Mosaic([extent_of(path, local) for path in files], local, nodes, HEIGHTS)
        heights, known, factor = self._mosaic.whole()
        if not known.all():
            names = ", ".join(str(path) for path in files)
            raise InputError(
                f"{names}: no height under {100 * (1 - known.mean()):.1f} % of the orthophotos; "
                f"give world.{key} more tiles, or fill nodata with gdal_fillnodata"
            )
        self.range_m = _range_m(heights[..., 0], factor)

    def nodes(self, window: Window) -> Raster:
        """Heights (rows / node_px + 1, cols / node_px + 1) of a window of pixels."""
        row, col, rows, cols = (edge // self.node_px for edge in window)
        around = Window(row, col, rows + 1, cols + 1)
        return read_on(self._mosaic, around, self._mosaic.grid.window)[..., 0]


def read_on(mosaic: Mosaic, window: Window, inside: Window) -> np.ndarray:
    """A window of ``inside`` (its own corner is 0, 0), whose border pixels go on for ever."""
    rows = np.clip(np.arange(window.row, window.row + window.rows), 0, inside.rows - 1)
    cols = np.clip(np.arange(window.col, window.col + window.cols), 0, inside.cols - 1)
    core = Window(
        int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1
    )
    values = mosaic.read(core.moved(inside.row, inside.col), inside)
    return np.ascontiguousarray(values[rows - rows[0]][:, cols - cols[0]])


def height_files(source: Files, key: str) -> list[Path]:
    """GeoTIFFs of heights, checked."""
    files = listed(source, key)
    for path in files:
        with open_geotiff(path) as file:
            require_heights(file)
    return files


def finest_m(files: list[Path]) -> float:
    """Ground resolution of the finest file."""
    _, local = local_frame(files)
    return min(extent_of(path, local).resolution_m for path in files)


def _range_m(heights_m: Raster, factor: int) -> tuple[float, float]:
    lowest, highest = float(heights_m.min()), float(heights_m.max())
    if factor == 1:  # these are all the nodes there are
        return lowest, highest
    steps = [np.abs(np.diff(heights_m, axis=axis)).max(initial=0.0) for axis in (0, 1)]
    margin_m = HIDDEN_M + float(max(steps))
    return lowest - margin_m, highest + margin_m
