"""From a file of priors, or "exif", to the hints of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.match import Matched, match
from hinted_posenet.data.priors.photo_time import exif_time_s
from hinted_posenet.data.priors.place import PriorKeys, place
from hinted_posenet.data.priors.read import read_priors
from hinted_posenet.data.priors.reading import Reading


class PriorSource(NamedTuple):
    """Where priors come from, and what the user states about them."""

    file: str | Path  # CSV, GPX or TUM; "exif" reads the images
    keys: PriorKeys = PriorKeys()
    time_tolerance_s: float = 0.1  # between an image and a prior that is found by time
    utc_offset_h: float | None = None  # of images whose EXIF states local time alone


def load_priors(
    source: PriorSource,
    images: Mapping[str, Path],
    origin: Origin | None,
    times_s: Mapping[str, float | None] | None = None,
) -> Matched:
    """Read the priors of images, name -> file, place them in a world, and match them.

    Where priors are found by time, ``times_s`` of the images are in their clock; None reads them from EXIF, in
    seconds since 1970 UTC.

    Raises:
        InputError: The source cannot be read, does not state enough, or has a prior of none of the images.
    """
    readings = read_priors(source.file, images, source.keys.altitude_above)
    return match_readings(readings, source, images, origin, times_s)


def match_readings(
    readings: Sequence[Reading],
    source: PriorSource,
    images: Mapping[str, Path],
    origin: Origin | None,
    times_s: Mapping[str, float | None] | None = None,
) -> Matched:
    """Place the readings of a source and match them with images, see `load_priors`."""
    priors = place(readings, source.keys, origin)
    if times_s is None and any(prior.name is None for prior in priors):
        times_s = {name: exif_time_s(path, source.utc_offset_h) for name, path in images.items()}
    times = [(times_s or {}).get(name) for name in images]
    matched = match(list(images), times, priors, source.time_tolerance_s)
    if all(hint is None for hint in matched.hints):
        raise InputError(
            f"priors={source.file}: has a prior of none of the {len(images)} images, such as "
            f"{next(iter(images), '')}; names or times must agree, see {CARD}"
        )
    return matched
