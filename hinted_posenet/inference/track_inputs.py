"""What a stream is tracked with: the localizer, and what sensors say of each image."""

import math
from dataclasses import replace
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint
from hinted_posenet.data.odometry import Odometry, read_odometry
from hinted_posenet.data.odometry_rows import parse_extrinsics
from hinted_posenet.data.query_images import Listed
from hinted_posenet.inference.answer_images import Asked
from hinted_posenet.inference.locate import load
from hinted_posenet.inference.locate_over_map import map_line, opened_map
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.predict import read_hints
from hinted_posenet.inference.track_settings import TrackSettings
from hinted_posenet.inference.track_stamps import with_stamps
from hinted_posenet.inference.tracked import Trackable


class Sensors(NamedTuple):
    """What there is beside images."""

    odometry: Odometry | None
    listed: list[Listed]  # every image with its stamp
    hints: list[Hint | None]  # its prior


def opened_localizer(settings: TrackSettings) -> tuple[Trackable, list[str]]:
    """Open the run, or the map if there is none, and say what was opened."""
    if settings.checkpoint is None:
        if not settings.map:
            raise InputError("track: give the folder of a run, or map=PHOTOS to track over a map")
        over_map = opened_map(settings)
        return over_map, [map_line(over_map)]
    files = _one_file("map", settings.map or None), _one_file("dem", settings.dem)
    return load(settings.checkpoint, settings.accelerator, settings.threads, *files), []


def _one_file(key: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"{key}={value}: beside a run it is one file or folder")


def read_sensors(
    settings: TrackSettings, asked: Asked, localizer: Trackable, lines: list[str]
) -> Sensors:
    """Read stamps, odometry and priors."""
    listed = with_stamps(asked.images.listed(), settings)
    odometry = None
    if settings.odometry:
        T_body_cam = parse_extrinsics(settings.T_body_cam) if settings.T_body_cam else None
        odometry = read_odometry(settings.odometry, settings.odometry_topic, T_body_cam)
        lines.append(_overlap(odometry, listed, settings.odometry))
    hints: list[Hint | None] = []
    over_map = isinstance(localizer, MapLocalizer)
    source = settings.priors or ("exif" if over_map else None)
    if over_map and settings.dem is None and settings.takeoff_altitude_m is None:
        settings = replace(settings, takeoff_altitude_m=settings.ground_m or 0.0)
    if source:
        ground_at = localizer.files.ground_m if isinstance(localizer, MapLocalizer) else None
        hints = read_hints(settings, source, listed, localizer, lines, ground_at)
    return Sensors(odometry, listed, hints)


def _overlap(odometry: Odometry, listed: list[Listed], where: str) -> str:
    """Say how many images lie within the odometry.

    Raises:
        InputError: None does.
    """
    first_s, last_s = float(odometry.stamp_s[0]), float(odometry.stamp_s[-1])
    times = [one.time_s for one in listed if one.time_s is not None]
    within = sum(first_s <= time_s <= last_s for time_s in times)
    if not within:
        raise InputError(
            f"odometry={where}: goes from {first_s:.3f} s to {last_s:.3f} s, and the first image is of "
            f"{times[0] if times else math.nan:.3f} s; both must have one clock"
        )
    return f"{within} of {len(listed)} images have odometry"
