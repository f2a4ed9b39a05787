"""Which files are the photos of a map, and which of them are of one date."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.world.geotiff import Extent, Files, date_in, intersection
from hinted_posenet.simulator.world.map_tiles import is_tile_folder

SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".mbtiles")
OVERLAP = 0.25  # of the smaller of two files, beyond which they are not tiles of one mosaic
UNDATED = "undated"

Photos = Files | Mapping[str, Files]


def map_files(source: Files, key: str = "map") -> list[Path]:
    """Return the rasters of a file, a folder of files or of XYZ tiles, or a list of these, by name.

    Errors name the setting ``key``.
    """
    if not isinstance(source, str | Path):
        return sorted({path: None for one in source for path in map_files(one, key)})
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; set {key} to georeferenced images")
    if not path.is_dir() or is_tile_folder(path):
        return [path]
    files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
    if not files:
        raise InputError(
            f"{path}: no {', '.join(SUFFIXES)} and no tiles z/x/y found; set {key} to georeferenced images"
        )
    return sorted(files)


def photo_files(photos: Photos) -> tuple[list[Path], dict[str, list[Path]]]:
    """Return all files, and those of each date where a mapping states them."""
    if not isinstance(photos, Mapping):
        return map_files(photos), {}
    stated = {str(date): map_files(photos[date]) for date in photos}
    if not stated:
        raise InputError("map: no photos given; set it to georeferenced images")
    stated = dict(sorted(stated.items()))
    return [path for paths in stated.values() for path in paths], stated


def by_date(extents: Sequence[Extent]) -> dict[str, list[Extent]]:
    """Group files by the dates in their names; files without one are a mosaic if they do not cover each other."""
    dated: dict[str, list[Extent]] = {}
    mosaics: list[list[Extent]] = []
    for extent in extents:
        if date := date_in(extent.path):
            dated.setdefault(date, []).append(extent)
            continue
        apart = (m for m in mosaics if all(_share(extent, other) < OVERLAP for other in m))
        mosaic = next(apart, None)
        if mosaic is None:
            mosaics.append([extent])
        else:
            mosaic.append(extent)
    groups = dict(sorted(dated.items()))
    for mosaic in mosaics:
        name = mosaic_name([extent.path.stem for extent in mosaic])
        while name in groups:  # files of one name in two folders
            name += "+"
        groups[name] = mosaic
    return groups


def mosaic_name(stems: Sequence[str]) -> str:
    """Return what the names of the files of a mosaic have in common."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False))
    return "".join(letters[0] for letters in same).rstrip("_-. ") or UNDATED


def _share(one: Extent, other: Extent) -> float:
    """Return how much of the smaller file lies on the ground of the other."""
    shared = intersection([one.bounds, other.bounds])
    if shared.width_m <= 0 or shared.height_m <= 0:
        return 0.0
    smaller = min(box.width_m * box.height_m for box in (one.bounds, other.bounds))
    return shared.width_m * shared.height_m / smaller
