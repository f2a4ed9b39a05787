"""GeoTIFFs: found by date, opened, checked, and placed in a local frame of true ground metres."""

import datetime
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import rasterio
from rasterio import Affine
from rasterio._err import CPLE_BaseError  # what warp.transform raises, public nowhere
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_gcps
from rasterio.warp import calculate_default_transform, transform, transform_bounds

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.text import check_file
from hinted_posenet.simulator.world import Bounds
from hinted_posenet.simulator.world.map_tiles import open_tiles, tile_folder

FILE_BYTES = 1 << 50  # GeoTIFFs are read by windows, so that they may have any size
POINTS_PX = 2.0  # most that ground control points may be off an affine map of the pixels
DATE = r"(?<!\d)((?:19|20)\d{2})([-_.]?)(\d{2})\2(\d{2})(?!\d)"  # in the name of a file
MOST_DEG = 0.01  # of a pixel, about a kilometre

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
            found.setdefault(_required_date(path), []).append(path)
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


def date_in(path: Path) -> str | None:
    """Return the date in the name of a file, 20150926 or 2015-09-26, in ISO format."""
    for match in re.finditer(DATE, path.stem):
        try:
            return datetime.date.fromisoformat("".join(match.group(1, 3, 4))).isoformat()
        except ValueError:
            continue  # eight digits that are no date, such as a tile number
    return None


def _required_date(path: Path) -> str:
    if date := date_in(path):
        return date
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
    """Open a readable, georeferenced raster; ``overview`` selects one of its built-in overviews.

    A folder of XYZ tiles is one raster.
    """
    options = {} if overview is None else {"overview_level": overview}
    if path.is_dir():
        return open_tiles(path, 0 if overview is None else overview + 1)
    check_file(path, FILE_BYTES)
    try:
        with warnings.catch_warnings():  # `placement` says what to do about it
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            file = rasterio.open(path, **options)
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        raise InputError(
            f"{path}: expected a readable GeoTIFF ({' '.join(str(error).split())}); fetch or write it again"
        ) from None
    try:
        placement(file)
    except InputError:
        file.close()
        raise
    return file


class Placement(NamedTuple):
    """Where the pixels of a file lie."""

    crs: CRS
    transform: Affine  # (column, row) -> coordinates of the CRS
    bounds: Bounds  # in the CRS
    options: dict[str, Any]  # of a `WarpedVRT`, which does not find it out itself

    def extent(self, width: int, height: int) -> dict[str, Any]:
        """Return the extent as `calculate_default_transform` takes it: bounds, or corners that are rotated."""
        if _is_north_up(self.transform) and not self.options:
            return dict(zip(("left", "bottom", "right", "top"), self.bounds, strict=True))
        return {
            "gcps": [
                GroundControlPoint(row, col, *_place(self.transform, col, row), 0.0)
                for row in (0, height)
                for col in (0, width)
            ]
        }


def placement(file: rasterio.DatasetReader) -> Placement:
    """Return where a file lies, by its transform, which may be rotated, or by ground control points.

    Raises:
        InputError: It has neither, points that no affine map fits, or degrees that are none.
    """
    points, crs = file.gcps
    if file.crs is not None and not file.transform.is_identity:
        transform, crs, options = file.transform, file.crs, {}
    elif points and crs is not None:
        transform = from_gcps(points)
        inverse = ~transform
        off_px = max(math.dist(_place(inverse, p.x, p.y), (p.col, p.row)) for p in points)
        if off_px > POINTS_PX:
            step = math.sqrt(abs(transform.determinant))
            raise InputError(
                f"{file.name}: its {len(points)} ground control points are up to {off_px:.1f} pixels off an "
                f"affine map; run: gdalwarp -tps -tr {step:.6g} {step:.6g} -r cubic {quote(file.name)} warped.tif"
            )
        options = {"src_crs": crs, "src_transform": transform}
    else:
        raise InputError(
            f"{file.name}: GeoTIFF without georeference; run: rio edit-info --crs EPSG:CODE --transform "
            f"'[METRES_A_PIXEL, 0, WEST, 0, -METRES_A_PIXEL, NORTH]' {quote(file.name)}"
        )
    corners = [_place(transform, col, row) for col in (0, file.width) for row in (0, file.height)]
    x, y = zip(*corners, strict=True)
    placed = Placement(crs, transform, Bounds(min(x), min(y), max(x), max(y)), options)
    _refuse_metres_as_degrees(file, placed)
    return placed


def _place(transform: Affine, x: float, y: float) -> tuple[float, float]:
    """Apply an affine map, whose operator for it depends on the version of affine."""
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


def _is_north_up(transform: Affine) -> bool:
    return bool(transform.b == transform.d == 0 and transform.a > 0 > transform.e)


def _refuse_metres_as_degrees(file: rasterio.DatasetReader, placed: Placement) -> None:
    """Refuse a local frame in metres that is tagged as longitude and latitude."""
    if not placed.crs.is_geographic:
        return
    west, south, east, north = placed.bounds
    step_deg = math.sqrt(abs(placed.transform.determinant))
    outside = min(west, east) < -360 or max(west, east) > 360 or south < -90.1 or north > 90.1
    if outside or step_deg > MOST_DEG:
        raise InputError(
            f"{file.name}: its CRS has degrees, but its coordinates ({west:.6g} to {east:.6g}, {south:.6g} to "
            f"{north:.6g}, {step_deg:.3g} a pixel) look like metres of a local frame; state where it lies, run: "
            f"rio edit-info --crs '+proj=tmerc +lat_0=LATITUDE +lon_0=LONGITUDE +ellps=WGS84 +units=m' "
            f"{quote(file.name)}"
        )


def local_frame(paths: Sequence[Path]) -> tuple[Origin, CRS]:
    """Return the ENU frame around the center of some GeoTIFFs."""
    with open_geotiff(paths[0]) as file:
        crs, _, bounds, _ = placement(file)
    boxes = [bounds]
    for path in paths[1:]:
        with open_geotiff(path) as file:
            placed = placement(file)
            boxes.append(_transformed(path, placed.crs, crs, placed.bounds))
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
        placed = placement(file)
        bounds = _transformed(path, placed.crs, local, placed.bounds)
        grid, _, _ = calculate_default_transform(
            placed.crs, local, file.width, file.height, **placed.extent(file.width, file.height)
        )
        overviews = tile_folder(path).overviews if path.is_dir() else tuple(file.overviews(1))
        return Extent(path, bounds, float(grid.a), overviews)


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
