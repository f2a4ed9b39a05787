"""When each image of a stream was taken."""

import math
from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_row, read_table
from hinted_posenet.data.image_files import SUFFIXES
from hinted_posenet.data.priors.photo_time import exif_time_s
from hinted_posenet.data.query_images import Listed
from hinted_posenet.inference.track_settings import TrackSettings

COLUMNS = ("name", "time_s")


def with_stamps(listed: Sequence[Listed], settings: TrackSettings) -> list[Listed]:
    """Return images with their times, nan where one is not known.

    Videos and bags state them; photos have them in a file, at a constant rate, or in their EXIF.

    Raises:
        InputError: The file is wrong, or no photo states its time.
    """
    if settings.stamps and settings.rate_hz:
        raise InputError(f"stamps={settings.stamps} rate_hz={settings.rate_hz:g}: give one of them")
    if settings.stamps:
        times = read_stamps(settings.stamps)
        found = [one._replace(time_s=times.get(one.name, math.nan)) for one in listed]
        if all(math.isnan(one.time_s or 0.0) for one in found):
            names = f"{listed[0].name}, in the images, and {next(iter(times), 'none')}, in the file"
            raise InputError(f"stamps={settings.stamps}: has none of the images; names are {names}")
        return found
    if settings.rate_hz:
        return [one._replace(time_s=k / settings.rate_hz) for k, one in enumerate(listed)]
    if all(one.time_s is not None for one in listed):
        return list(listed)
    stated = [_exif_s(one.path, settings.utc_offset_h) for one in listed]
    if all(time_s is None for time_s in stated):
        raise InputError(
            f"images={settings.images}: {listed[0].name} and the others state no time in their EXIF; give "
            "stamps=FILE.csv with the columns name,time_s, or rate_hz"
        )
    return [
        one._replace(time_s=math.nan if time_s is None else time_s)
        for one, time_s in zip(listed, stated, strict=True)
    ]


def read_stamps(path: Path) -> dict[str, float]:
    """Read the columns name and time_s of a CSV file; others are ignored.

    Raises:
        InputError: One is missing, a time is no number, or a name stands there twice.
    """
    columns, rows = read_table(path, f"write the columns {','.join(COLUMNS)}", spaces=False)
    for column in COLUMNS:
        if column not in columns:
            raise InputError(
                f"{path} line 1: column {column} is missing; write {','.join(COLUMNS)}"
            )
    times: dict[str, float] = {}
    for where, row in rows:
        check_row(row, where)
        try:
            time_s = float(row["time_s"])
        except ValueError:
            raise InputError(f"{where}: time_s is {row['time_s']!r}, expected seconds") from None
        if row["name"] in times:
            raise InputError(f"{where}: {row['name']} is there twice; remove one line")
        times[row["name"]] = time_s
    return times


def _exif_s(path: Path, utc_offset_h: float | None) -> float | None:
    """Return when a photo was taken; None if it does not say, or cannot be read."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        return exif_time_s(path, utc_offset_h)
    except (InputError, OSError):
        return None
