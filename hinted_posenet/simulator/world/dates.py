"""Which GeoTIFFs show which date."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError

NORTHERN_SEASONS = ("winter", "spring", "summer", "autumn")  # from December on, three months each

Files = str | Path | Sequence[str | Path]


def dated_files(source: Files | Mapping[str, Files]) -> dict[str, tuple[Path, ...]]:
    """ISO date -> its files by name, in order of date.

    Args:
        source: a folder, file or list of GeoTIFFs with YYYYMMDD in their names, or a mapping
            date -> folder, file or list of files.

    Raises:
        InputError: a name without a date, a missing folder, or no file at all.
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
    """Files of a folder, one file or a list of files, ordered by name; ``key`` is named in errors."""
    if not isinstance(source, str | Path):
        return sorted((Path(path) for path in source), key=_by_name)
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; set world.{key} to GeoTIFFs")
    if not path.is_dir():
        return [path]
    files = sorted(
        (file for file in path.iterdir() if file.suffix.lower() in (".tif", ".tiff")), key=_by_name
    )
    if not files:
        raise InputError(f"{path}: no *.tif found; set world.{key} to a folder of GeoTIFFs")
    return files


def season_of(date: str, latitude_deg: float = 90.0) -> str:
    """Season by the month of an ISO date; the south is half a year behind."""
    month = int(date[5:7]) + (6 if latitude_deg < 0 else 0)
    return NORTHERN_SEASONS[month % 12 // 3]


def iso_date(date: object) -> str:
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


def _by_name(path: Path) -> tuple[str, str]:
    return path.name, str(path)
