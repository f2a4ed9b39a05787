"""Priors of a GPS receiver's GPX file: track points, route points and way points; it states no sigmas.

Points with a name are found by it, which is then that of an image, the others by their time in seconds since 1970
UTC. Elevations count from the ellipsoid or the geoid, depending on the receiver, and GPX does not say.
"""

import math
from datetime import UTC
from pathlib import Path
from typing import Any

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_text
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.reading import Reading, blocks, without


def read_gpx(path: Path) -> list[Reading]:
    """Read all points of a file: way points, then routes, then tracks.

    Raises:
        InputError: It is no GPX file, or a point has neither a name nor a time.
    """
    import gpxpy

    text = read_text(path, f"see {CARD}")
    if "<!DOCTYPE" in text:  # whose entities may grow to gigabytes
        raise InputError(f"{path}: declares types of its own, which GPX does not; see {CARD}")
    try:
        gpx = gpxpy.parse(text)
    except gpxpy.gpx.GPXException as error:
        raise InputError(f"{path}: not a readable GPX file ({error}); see {CARD}") from None
    points: list[Any] = [  # the three share what is read here
        *gpx.waypoints,
        *(point for route in gpx.routes for point in route.points),
        *(point for track in gpx.tracks for part in track.segments for point in part.points),
    ]
    readings = []
    for number, point in enumerate(points, start=1):
        where = f"{path} point {number}"
        time = point.time and (point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC))
        if not (point.name or time):
            raise InputError(
                f"{where}: has neither a name nor a time to find its image by; add one, see {CARD}"
            )
        up = math.nan if point.elevation is None else point.elevation
        without_up = torch.tensor([False, False, point.elevation is None, True, True, True])
        reading = Reading(
            where=where,
            name=point.name or None,
            time_s=time.timestamp() if time else None,
            position=torch.tensor([point.latitude, point.longitude, up], dtype=torch.float64),
            geographic=True,
            altitude_above=None,
            q=None,
            covariance=without(blocks(None, None), without_up),
        )
        readings.append(reading)
    return readings
