"""GeoTIFFs: found by date, opened, checked, and placed in a local frame of true ground metres."""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import rasterio
from rasterio._err import CPLE_BaseError  # what warp.transform raises, public nowhere
from rasterio.crs import CRS
from rasterio.warp import calculate_default_transform, transform, transform_bounds

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.simulator.world import Bounds

Files = str | Path | Sequence[str | Path]


def dated_files(source: Files | Mapping[str, Files]) -> dict[str, tuple[Path, ...]]:
    """Return ISO date -> its files by name, in order of date.

    Without a mapping, the dates are YYYYMMDD in the names of the files. Raises InputError for a name
    without a date, a missing folder, or no file at all.
    """
    found: dict[str, list[Path]] = {}
    if isinstance(source, Mapping):
        for date, files in source.items():
            found.setdefault(iso_date(date), []).extend(listed(files))
    else:
        for path in listed(source):
            found.setdefault(_date_in(path), []).append(path)
    if not found:
        raise InputError(f"{source}: no GeoTIFF given; set world.source to a folder of GeoTIFFs")
    return {date: tuple(sorted(found[date], key=_by_name)) for date in sorted(found)}


def listed(source: Files, key: str = "source") -> list[Path]:
    """Return the GeoTIFFs of a folder, file or list, ordered by name; errors name ``key``."""
    if not isinstance(source, str | Path):
        return sorted((Path(path) for path in source), key=_by_name)
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; set world.{key} to GeoTIFFs")
    if not path.is_dir():
        return [path]
    files = [file for file in path.iterdir() if file.suffix.lower() in (".tif", ".tiff")]
    if not files:
        raise InputError(f"{path}: no *.tif found; set world.{key} to a folder of GeoTIFFs")
    return sorted(files, key=_by_name)


def iso_date(date: object) -> str:
    """Return a date given as 2015-09-26 or 20150926 in ISO format."""
    try:
        return datetime.date.fromisoformat(str(date)).isoformat()
    except ValueError:
        raise InputError(f"world: {date!r} is no date; write it as YYYY-MM-DD") from None


def _date_in(path: Path) -> str:
    for digits in re.findall(r"(?<!\d)(?:19|20)\d{6}(?!\d)", path.stem):
        try:
            return datetime.date.fromisoformat(digits).isoformat()
        except ValueError:
            continue  # eight digits that are no date, such as a tile number
    raise InputError(
        f"{path}: no date YYYYMMDD in the file name; rename it, or give world.source as "
        "{date: file}"
    )


def _by_name(path: Path) -> tuple[str, str]:
    return path.name, str(path)


class Extent(NamedTuple):
    """Where a GeoTIFF lies in the local frame, and its resolution."""

    path: Path
    bounds: Bounds
    resolution_m: float
    overviews: tuple[int, ...]  # factors by which its built-in overviews are coarser


def open_geotiff(path: Path, overview: int | None = None) -> rasterio.DatasetReader:
    """Open a readable, georeferenced raster; ``overview`` selects one of its built-in overviews."""
    options = {} if overview is None else {"overview_level": overview}
    try:
        file = rasterio.open(path, **options)
    except rasterio.errors.RasterioIOError as error:
        raise InputError(f"{path}: expected a readable GeoTIFF; {error}") from None
    if file.crs is None or file.transform.is_identity:
        file.close()
        raise InputError(
            f"{path}: GeoTIFF without georeference; add one with gdal_edit -a_srs -a_ullr"
        )
    return file


def require_photo(file: rasterio.DatasetReader) -> None:
    """Raise an error that says how to convert the file unless it has three or more bands of bytes."""
    if file.count < 3 or file.dtypes[0] != "uint8":
        raise InputError(
            f"{file.name}: expected 3 or 4 uint8 bands (R, G, B, NIR), found {file.count} of "
            f"{file.dtypes[0]}; convert it with gdal_translate -ot Byte -scale"
        )


def require_heights(file: rasterio.DatasetReader) -> None:
    """Raise an error that says how to convert the file unless it has one band of numbers."""
    if file.count != 1 or file.dtypes[0].startswith("complex"):
        raise InputError(
            f"{file.name}: expected one band of heights in metres, found {file.count} of "
            f"{file.dtypes[0]}; pick it with gdal_translate -b"
        )


def local_frame(paths: Sequence[Path]) -> tuple[Origin, CRS]:
    """Return the ENU frame around the center of some GeoTIFFs."""
    with open_geotiff(paths[0]) as file:
        crs, boxes = file.crs, [Bounds(*file.bounds)]
    for path in paths[1:]:
        with open_geotiff(path) as file:
            boxes.append(_transformed(path, file.crs, crs, Bounds(*file.bounds)))
    x, y = union(boxes).center_m
    try:
        (longitude,), (latitude,) = transform(crs, CRS.from_epsg(4326), [x], [y])
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        raise _unknown_crs(paths[0], error) from None
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        raise _unknown_crs(paths[0], "its middle has no longitude and latitude")
    origin = Origin(longitude, latitude)
    return origin, enu_crs(origin)


def enu_crs(origin: Origin) -> CRS:
    """Return east and north in metres as a CRS: transverse Mercator, true to scale at its origin."""
    return CRS.from_proj4(origin.projection)


def extent_of(path: Path, local: CRS) -> Extent:
    """Return bounds and ground resolution of a GeoTIFF in the local frame."""
    with open_geotiff(path) as file:
        bounds = _transformed(path, file.crs, local, Bounds(*file.bounds))
        grid, _, _ = calculate_default_transform(
            file.crs, local, file.width, file.height, *file.bounds
        )
        return Extent(path, bounds, float(grid.a), tuple(file.overviews(1)))


def union(boxes: Sequence[Bounds]) -> Bounds:
    """Return the smallest bounds around all of them."""
    xmin, ymin, xmax, ymax = zip(*boxes, strict=True)
    return Bounds(min(xmin), min(ymin), max(xmax), max(ymax))


def intersection(boxes: Sequence[Bounds]) -> Bounds:
    """Return the bounds that all of them share; its size is negative where there are none."""
    xmin, ymin, xmax, ymax = zip(*boxes, strict=True)
    return Bounds(max(xmin), max(ymin), min(xmax), min(ymax))


def _transformed(path: Path, source: CRS, target: CRS, bounds: Bounds) -> Bounds:
    try:
        return Bounds(*transform_bounds(source, target, *bounds))
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        raise _unknown_crs(path, error) from None


def _unknown_crs(path: Path, reason: object) -> InputError:
    return InputError(
        f"{path}: no transformation from its CRS to longitude and latitude ({reason}); "
        "set a known one with gdal_edit -a_srs EPSG:..."
    )
