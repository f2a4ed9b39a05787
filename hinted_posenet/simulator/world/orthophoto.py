"""World from real orthophotos: one GeoTIFF per date, all on one local grid in ground metres."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform, transform, transform_bounds
from scipy.ndimage import distance_transform_edt

from hinted_posenet.simulator.world.array import ArrayWorld
from hinted_posenet.simulator.world.lattice import Bounds, Lattice
from hinted_posenet.simulator.world.world import Epoch, Origin, Rgb, World
from hinted_posenet.types import InputError

NORTHERN_SEASONS = ("winter", "spring", "summer", "autumn")  # from December on, three months each


class Source(NamedTuple):
    """A GeoTIFF's extent on the local grid."""

    bounds: Bounds
    resolution_m: float


def orthophoto_world(
    source: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    resolution_m: float | None = None,
    seasons: Mapping[str, str] | None = None,
) -> World:
    """Flat world at z = 0 under real orthophotos; East and North are true ground metres.

    Args:
        source: a folder or list of GeoTIFFs with YYYYMMDD in their names, or a mapping
            date -> file.
        resolution_m: ground resolution; null takes that of the finest source.
        seasons: date -> season, where the month (northern hemisphere) is not to decide.
    """
    files = dated_files(source)
    origin, local = _local_frame(next(iter(files.values())))
    extents = {date: _extent(path, local) for date, path in files.items()}
    res_m = resolution_m or min(extent.resolution_m for extent in extents.values())
    common = _intersection({files[date]: extent.bounds for date, extent in extents.items()})
    rows, cols = int(common.height_m / res_m), int(common.width_m / res_m)
    photos = {
        date: _read(path, local, common.xmin, common.ymax, res_m, (rows, cols))
        for date, path in files.items()
    }
    # warped rasters have empty wedges at their borders; there is no ground to see in them
    top, bottom, left, right = _covered(
        np.logical_and.reduce([valid for _, valid in photos.values()])
    )
    ready = {
        date: _fill(rgb[top:bottom, left:right], valid[top:bottom, left:right])
        for date, (rgb, valid) in photos.items()
    }
    xmin, ymax = common.xmin + left * res_m, common.ymax - top * res_m
    named = {_iso(date): season for date, season in (seasons or {}).items()}
    epochs = tuple(Epoch(date, named.get(date, season_of(date)), date) for date in files)
    return ArrayWorld(
        Lattice(xmin, ymax, res_m, bottom - top, right - left),
        {epoch: ready[epoch.key] for epoch in epochs},
        np.zeros((2, 2), np.float32),
        512,
        origin=origin,
    )


def dated_files(
    source: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
) -> dict[str, Path]:
    """ISO date -> file, in order of date."""
    if isinstance(source, Mapping):
        files = {_iso(date): Path(path) for date, path in source.items()}
    else:
        if isinstance(source, str | Path):
            folder = Path(source)
            if not folder.exists():
                raise InputError(f"{folder}: no such file or folder; set world.source to GeoTIFFs")
            paths = sorted(folder.glob("*.tif*")) if folder.is_dir() else [folder]
        else:
            paths = [Path(path) for path in source]
        files = {}
        for path in paths:
            date = _date_in(path)
            if date in files:
                raise InputError(f"{path}: same date as {files[date]}; give one GeoTIFF per date")
            files[date] = path
    if not files:
        raise InputError(f"{source}: no *.tif found; set world.source to a folder of GeoTIFFs")
    return dict(sorted(files.items()))


def season_of(date: str) -> str:
    """Season of the northern hemisphere by the month of an ISO date."""
    return NORTHERN_SEASONS[int(date[5:7]) % 12 // 3]


def _iso(date: object) -> str:
    """2015-09-26 from itself or 20150926."""
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


def _open(path: Path) -> rasterio.DatasetReader:
    try:
        file = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise InputError(f"{path}: expected a readable GeoTIFF; {error}") from None
    if file.crs is None or file.transform.is_identity:
        raise InputError(
            f"{path}: GeoTIFF without georeference; add one with gdal_edit -a_srs -a_ullr"
        )
    if file.count < 3 or file.dtypes[0] != "uint8":
        raise InputError(
            f"{path}: expected 3 or 4 uint8 bands (R, G, B, NIR), found {file.count} of "
            f"{file.dtypes[0]}; convert it with gdal_translate -ot Byte -scale"
        )
    return file


def _local_frame(path: Path) -> tuple[Origin, CRS]:
    """ENU around the middle of a GeoTIFF: transverse Mercator, true to scale at its origin."""
    with _open(path) as file:
        x, y = (
            (file.bounds.left + file.bounds.right) / 2,
            (file.bounds.bottom + file.bounds.top) / 2,
        )
        (longitude,), (latitude,) = transform(file.crs, CRS.from_epsg(4326), [x], [y])
    local = CRS.from_proj4(
        f"+proj=tmerc +lat_0={latitude!r} +lon_0={longitude!r} +k=1 +datum=WGS84 +units=m"
    )
    return Origin(longitude, latitude), local


def _extent(path: Path, local: CRS) -> Source:
    with _open(path) as file:
        bounds = Bounds(*transform_bounds(file.crs, local, *file.bounds))
        grid, _, _ = calculate_default_transform(
            file.crs, local, file.width, file.height, *file.bounds
        )
    return Source(bounds, float(grid.a))


def _intersection(bounds: Mapping[Path, Bounds]) -> Bounds:
    common = Bounds(
        max(b.xmin for b in bounds.values()),
        max(b.ymin for b in bounds.values()),
        min(b.xmax for b in bounds.values()),
        min(b.ymax for b in bounds.values()),
    )
    if common.width_m <= 0 or common.height_m <= 0:
        names = ", ".join(str(path) for path in bounds)
        raise InputError(
            f"{names}: these orthophotos have no ground in common; give dates of one place"
        )
    return common


def _read(
    path: Path, local: CRS, xmin: float, ymax: float, res_m: float, shape: tuple[int, int]
) -> tuple[Rgb, NDArray[np.bool_]]:
    """Colours (rows, cols, 3) and where they are valid (rows, cols), on the local grid."""
    rows, cols = shape
    with (
        _open(path) as file,
        WarpedVRT(
            file,
            crs=local,
            transform=from_origin(xmin, ymax, res_m, res_m),
            width=cols,
            height=rows,
            resampling=Resampling.cubic,
            add_alpha=file.nodata is None and ColorInterp.alpha not in file.colorinterp,
        ) as warped,
    ):
        rgb = warped.read([1, 2, 3]).transpose(1, 2, 0)
        return np.ascontiguousarray(rgb), warped.dataset_mask() > 0


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


def _fill(rgb: Rgb, valid: NDArray[np.bool_]) -> Rgb:
    """Nodata takes the colour of the nearest valid pixel."""
    if valid.all():
        return np.ascontiguousarray(rgb)
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return np.ascontiguousarray(rgb[tuple(nearest)])
