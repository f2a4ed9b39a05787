"""What the bands of a GeoTIFF mean: colours by interpretation, and heights in metres by unit and scale."""

import logging
from shlex import quote
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterWindow

from hinted_posenet.core.errors import InputError

Values = NDArray[Any]  # (rows, cols, bands)
Mask = NDArray[np.bool_]  # (rows, cols)

RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
OUTSIDE_M = -99999.0  # height that marks what heights do not cover
LOWEST_M, HIGHEST_M = -500.0, 9000.0  # of the Earth's surface, with a margin
UNITS_M = {  # of heights, as files name them
    **dict.fromkeys(("", "m", "metre", "meter", "metres", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimeter"), 0.01),
    **dict.fromkeys(("ft", "foot", "feet", "international foot", "foot (international)"), 0.3048),
    **dict.fromkeys(("us survey foot", "foot_us", "us-ft", "ftus", "sft"), 1200 / 3937),
}


log = logging.getLogger(__name__)


class Layer(Protocol):
    """How the bands of a mosaic are read."""

    bands: int
    dtype: str
    neutral: float  # where no valid pixel is near

    def check(self, file: DatasetReader) -> None:
        """Refuse a file that holds something else, with a command that converts it."""

    def options(self, file: DatasetReader) -> dict[str, Any]:
        """Return the options of a `WarpedVRT` of the file."""

    def read(self, warped: WarpedVRT, place: RasterWindow) -> tuple[Values, Mask]:
        """Return the values of a window, and where the file has any."""


class Photo:
    """Red, green and blue (rows, cols, 3), wherever the file has them; grey and palettes are expanded."""

    bands = 3
    dtype = "uint8"
    neutral = 128.0

    def check(self, file: DatasetReader) -> None:
        """See `Layer`."""
        found = f"{file.count} of {file.dtypes[0]}"
        if file.dtypes[0] != "uint8":
            fix = f"rio convert --dtype uint8 --scale-ratio {_byte_ratio(file):.6g} {quote(file.name)} bytes.tif"
            raise InputError(f"{file.name}: expected bands of uint8, found {found}; run: {fix}")
        named = set(file.colorinterp) & {*RGB}
        if named and len(named) < 3 and file.count >= 3:
            stated = ", ".join(band.name for band in file.colorinterp)
            fix = f"rio edit-info --colorinterp red,green,blue{',undefined' * (file.count - 3)} {quote(file.name)}"
            raise InputError(
                f"{file.name}: its bands are {stated}, expected red, green and blue; to show the first three as "
                f"these, run: {fix}"
            )

    def options(self, file: DatasetReader) -> dict[str, Any]:
        """See `Layer`."""
        masked = file.nodata is not None or ColorInterp.alpha in file.colorinterp
        by_index = file.colorinterp[0] == ColorInterp.palette  # between two numbers is no colour
        resampling = Resampling.nearest if by_index else Resampling.cubic
        return {"add_alpha": not masked, "resampling": resampling}

    def read(self, warped: WarpedVRT, place: RasterWindow) -> tuple[Values, Mask]:
        """See `Layer`."""
        file = warped.src_dataset
        values = warped.read(list(colour_bands(file)), window=place).transpose(1, 2, 0)
        known = warped.dataset_mask(window=place) > 0
        if file.colorinterp[0] == ColorInterp.palette:
            colours = np.zeros((256, 4), np.uint8)
            for number, colour in file.colormap(1).items():
                colours[number] = colour
            values, known = colours[values[..., 0], :3], known & (colours[values[..., 0], 3] > 0)
        return values, known


def colour_bands(file: DatasetReader) -> tuple[int, int, int]:
    """Return the numbers of the red, green and blue band; the first three where the file names none."""
    if {*RGB} <= set(file.colorinterp):
        red, green, blue = (file.colorinterp.index(colour) + 1 for colour in RGB)
        return red, green, blue
    return (1, 2, 3) if file.count >= 3 else (1, 1, 1)


def _byte_ratio(file: DatasetReader) -> float:
    """Return the factor from a file's values to bytes: of integers by the bits that they use."""
    some = file.read(out_shape=(file.count, min(file.height, 1024), min(file.width, 1024)))
    largest = float(np.nanmax(np.where(np.isfinite(some), some, 0)))
    if np.issubdtype(some.dtype, np.integer):
        largest = 2.0 ** np.ceil(np.log2(max(largest, 1) + 1)) - 1
    return 255 / max(largest, 1e-9)


class Heights:
    """Heights (rows, cols, 1) in float32 metres, converted from the file's unit, scale and offset."""

    bands = 1
    dtype = "float32"
    neutral = 0.0

    def check(self, file: DatasetReader) -> None:
        """See `Layer`."""
        if file.count != 1 or file.dtypes[0].startswith("complex"):
            raise InputError(
                f"{file.name}: expected one band of heights, found {file.count} of {file.dtypes[0]}; pick it: "
                f"rio stack --bidx 1 {quote(file.name)} heights.tif"
            )
        if _unit(file) not in UNITS_M:
            raise InputError(
                f"{file.name}: heights in {file.units[0]!r}, expected metres or feet; convert them, or, if they "
                f"are metres, run: rio edit-info --bidx 1 --units m {quote(file.name)}"
            )

        in_feet = file.crs and file.crs.is_projected and "foot" in file.crs.linear_units.lower()
        if in_feet and not file.units[0]:
            log.warning(
                "%s: its CRS is in feet, but its heights state no unit, so they are taken as metres; if they are "
                "feet, run: rio edit-info --bidx 1 --units 'US survey foot' %s",
                *(file.name, quote(file.name)),
            )

    def options(self, file: DatasetReader) -> dict[str, Any]:
        """See `Layer`."""
        return {"nodata": OUTSIDE_M, "dtype": self.dtype, "resampling": Resampling.bilinear}

    def read(self, warped: WarpedVRT, place: RasterWindow) -> tuple[Values, Mask]:
        """See `Layer`."""
        stated = warped.read([1], window=place).transpose(1, 2, 0)
        known = np.isfinite(stated[..., 0]) & (stated[..., 0] != OUTSIDE_M)
        file = warped.src_dataset
        scale, offset, unit_m = file.scales[0], file.offsets[0], UNITS_M[_unit(file)]
        heights_m = stated
        if (scale, offset, unit_m) != (1, 0, 1):
            heights_m = ((stated.astype(np.float64) * scale + offset) * unit_m).astype(np.float32)
        strange = known & ((heights_m[..., 0] < LOWEST_M) | (heights_m[..., 0] > HIGHEST_M))
        if strange.any():
            raise _implausible(file, stated[strange, 0], heights_m[strange, 0])
        return heights_m, known


def _unit(file: DatasetReader) -> str:
    """Return the unit of heights, which GDAL takes from the band or from the vertical CRS."""
    return (file.units[0] or "").strip().lower()


def _implausible(file: DatasetReader, stated: Values, heights_m: Values) -> InputError:
    """Return the error for heights that the Earth does not have; most often they mark missing ones."""
    some = file.read(1, out_shape=(min(file.height, 2048), min(file.width, 2048)))
    metres = (some.astype(np.float64) * file.scales[0] + file.offsets[0]) * UNITS_M[_unit(file)]
    strange = np.isfinite(metres) & ((metres < LOWEST_M) | (metres > HIGHEST_M))
    values, counts = np.unique(some[strange] if strange.any() else stated, return_counts=True)
    value = values[counts.argmax()].item()
    return InputError(
        f"{file.name}: {value} as height under {strange.mean():.2%} of it, up to {np.abs(heights_m).max():.6g} m "
        f"from 0, expected {LOWEST_M:g} to {HIGHEST_M:g} m; if it marks missing heights, run: "
        f"rio edit-info --nodata {value} {quote(file.name)}; otherwise state the unit (--bidx 1 --units cm)"
    )
