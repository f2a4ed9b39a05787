"""GeoTIFFs: opened, checked and placed in a local frame of true ground metres."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import rasterio
from rasterio._err import CPLE_BaseError  # what warp.transform raises, public nowhere
from rasterio.crs import CRS
from rasterio.warp import calculate_default_transform, transform, transform_bounds

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.pixel_grid import Bounds
from hinted_posenet.simulator.world.world import Origin


class Extent(NamedTuple):
    """Where a GeoTIFF lies in the local frame, and how fine it is."""

    path: Path
    bounds: Bounds
    resolution_m: float
    overviews: tuple[int, ...]  # factors by which its built-in overviews are coarser


def open_geotiff(path: Path, overview: int | None = None) -> rasterio.DatasetReader:
    """A readable, georeferenced raster; ``overview`` picks one of its coarser copies."""
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
    """Three or more bands of bytes, or an error that says how to get them."""
    if file.count < 3 or file.dtypes[0] != "uint8":
        raise InputError(
            f"{file.name}: expected 3 or 4 uint8 bands (R, G, B, NIR), found {file.count} of "
            f"{file.dtypes[0]}; convert it with gdal_translate -ot Byte -scale"
        )


def require_heights(file: rasterio.DatasetReader) -> None:
    """One band of numbers, or an error that says how to get it."""
    if file.count != 1 or file.dtypes[0].startswith("complex"):
        raise InputError(
            f"{file.name}: expected one band of heights in metres, found {file.count} of "
            f"{file.dtypes[0]}; pick it with gdal_translate -b"
        )


def local_frame(paths: Sequence[Path]) -> tuple[Origin, CRS]:
    """The ENU frame around the middle of GeoTIFFs."""
    with open_geotiff(paths[0]) as file:
        crs, boxes = file.crs, [Bounds(*file.bounds)]
    for path in paths[1:]:
        with open_geotiff(path) as file:
            boxes.append(Bounds(*_moved(path, file.crs, crs, Bounds(*file.bounds))))
    box = union(boxes)
    x, y = (box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2
    try:
        (longitude,), (latitude,) = transform(crs, CRS.from_epsg(4326), [x], [y])
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        raise _unknown_crs(paths[0], error) from None
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        raise _unknown_crs(paths[0], "its middle has no longitude and latitude")
    origin = Origin(longitude, latitude)
    return origin, enu_crs(origin)


def enu_crs(origin: Origin) -> CRS:
    """East and north in metres: transverse Mercator, true to scale at its origin."""
    return CRS.from_proj4(
        f"+proj=tmerc +lat_0={origin.latitude_deg!r} +lon_0={origin.longitude_deg!r} "
        "+k=1 +datum=WGS84 +units=m"
    )


def extent_of(path: Path, local: CRS) -> Extent:
    """Bounds and ground resolution of a GeoTIFF in the local frame."""
    with open_geotiff(path) as file:
        bounds = _moved(path, file.crs, local, Bounds(*file.bounds))
        grid, _, _ = calculate_default_transform(
            file.crs, local, file.width, file.height, *file.bounds
        )
        return Extent(path, bounds, float(grid.a), tuple(file.overviews(1)))


def union(boxes: Sequence[Bounds]) -> Bounds:
    """The smallest bounds around all of them."""
    return Bounds(
        min(box.xmin for box in boxes),
        min(box.ymin for box in boxes),
        max(box.xmax for box in boxes),
        max(box.ymax for box in boxes),
    )


def _moved(path: Path, source: CRS, target: CRS, bounds: Bounds) -> Bounds:
    try:
        return Bounds(*transform_bounds(source, target, *bounds))
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        raise _unknown_crs(path, error) from None


def _unknown_crs(path: Path, reason: object) -> InputError:
    return InputError(
        f"{path}: no transformation from its CRS to longitude and latitude ({reason}); "
        "set a known one with gdal_edit -a_srs EPSG:..."
    )
