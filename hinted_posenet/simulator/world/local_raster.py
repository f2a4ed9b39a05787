"""Write pixels that lie in a frame of their own metres as a GeoTIFF, which everything that reads maps can open.

Data sets that hide their places, or that never had one, state metres from a corner. A GeoTIFF has to lie on Earth,
so it gets a stand-in: the frame of `STAND_IN`, in which coordinates are the data set's own metres. Latitudes and
longitudes of such a map mean nothing.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.text import check_file
from hinted_posenet.simulator.world import geotiff

STAND_IN = Origin(0.0, 0.0)
BLOCK_PX = 512
STRIP_PX = 512  # rows that are held in memory at once
Rows = Callable[[int, int], NDArray[Any]]  # (first, count) -> (count, W, bands)


def write_array(
    path: Path, pixels: NDArray[Any], corner_m: tuple[float, float], cell_m: tuple[float, float]
) -> None:
    """Write pixels (H, W) or (H, W, bands), uint8 or float32 with nan for unknown, with north up.

    ``corner_m`` are the west and north edge, ``cell_m`` the size of a pixel to the east and to the north.
    """
    array = pixels[..., None] if pixels.ndim == 2 else pixels
    rows, cols, bands = array.shape
    _write(
        path,
        (rows, cols, bands),
        array.dtype,
        _placed(corner_m, cell_m),
        lambda first, count: array[first : first + count],
    )


def copy_photo(
    source: Path, path: Path, corner_m: tuple[float, float], cell_m: tuple[float, float]
) -> None:
    """Copy a photo that states no place, such as a PNG, strip by strip, see `write_array`.

    Raises:
        InputError: It is no readable raster of 8 bits.
    """
    check_file(source, geotiff.FILE_BYTES, "fetch it again")
    try:
        with warnings.catch_warnings():  # that it states no place is why it is copied
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            file = rasterio.open(source)
        with file:
            if file.dtypes[0] != "uint8":
                raise InputError(f"{source}: has {file.dtypes[0]}, expected 8 bits; fetch it again")
            bands = [1, 2, 3] if file.count >= 3 else [1]

            def rows(first: int, count: int) -> NDArray[Any]:
                strip = file.read(bands, window=Window(0, first, file.width, count))
                return np.moveaxis(strip, 0, -1)

            shape = file.height, file.width, len(bands)
            _write(path, shape, np.dtype(np.uint8), _placed(corner_m, cell_m), rows)
    except RasterioError as error:
        text = " ".join(str(error).split())
        raise InputError(f"{source}: not a readable image ({text}); fetch it again") from None


def _placed(corner_m: tuple[float, float], cell_m: tuple[float, float]) -> Affine:
    return Affine(cell_m[0], 0.0, corner_m[0], 0.0, -cell_m[1], corner_m[1])


def _write(
    path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any], transform: Affine, rows: Rows
) -> None:
    height, width, bands = shape
    is_float = np.issubdtype(dtype, np.floating)
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": bands,
        "dtype": "float32" if is_float else dtype.name,
        "crs": geotiff.enu_crs(STAND_IN),
        "transform": transform,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "compress": "deflate",
        "BIGTIFF": "IF_SAFER",
        **({"nodata": float("nan")} if is_float else {}),
        **({"photometric": "RGB"} if bands == 3 else {}),
    }
    with atomic_write(path) as partial:
        with rasterio.open(partial, "w", **profile) as file:
            for first in range(0, height, STRIP_PX):
                count = min(STRIP_PX, height - first)
                strip = np.moveaxis(np.asarray(rows(first, count)), -1, 0)
                file.write(strip.astype(profile["dtype"]), window=Window(0, first, width, count))
        factors = [2**k for k in range(1, 12) if max(height, width) >> k >= BLOCK_PX // 2]
        if factors:
            with rasterio.open(partial, "r+") as file:
                file.build_overviews(factors, Resampling.average)
