"""Localize the images of a folder, glob, list or video over a map, and write their poses."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint
from hinted_posenet.data.exif_camera import exif_camera
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.data.query_images import QueryImage
from hinted_posenet.inference.answer_images import answer_images, asked_images
from hinted_posenet.inference.estimate_row import Located
from hinted_posenet.inference.locate_settings import LocateSettings, MapSettings
from hinted_posenet.inference.map_localizer import MapLocalizer, open_map
from hinted_posenet.inference.map_prior import Assumed, full_prior
from hinted_posenet.inference.predict import read_hints
from hinted_posenet.inference.write_estimates import poses_format


class LocatedOverMap(NamedTuple):
    """What was written, and some of the images for a picture."""

    localizer: MapLocalizer
    shown: list[Located]
    lines: list[str]  # a summary


def locate_over_map(settings: LocateSettings, shown: int = 0) -> LocatedOverMap:
    """Localize images over a map and write their poses; ``shown`` of them come back with their pixels.

    An image without a prior on the map, or that cannot be read, is written without an answer.

    Raises:
        InputError: Output, images, map, priors or camera are wrong, or no image could be localized.
    """
    camera, images = asked_images(settings)
    localizer = opened_map(settings)
    poses_format(settings.out, settings.poses_format, localizer.origin, settings.covariance)
    lines = [map_line(localizer)]
    if settings.priors is None:
        lines.append("priors: GPS and attitude in the images, since priors=FILE is not given")
    if settings.dem is None and settings.takeoff_altitude_m is None:
        settings = replace(settings, takeoff_altitude_m=settings.ground_m or 0.0)
    source, ground_at = settings.priors or "exif", localizer.files.ground_m
    hints = read_hints(settings, source, images.listed(), localizer, lines, ground_at)
    hints, more = _completed(hints, localizer)
    lines += more
    used: Counter[str] = Counter()

    def camera_of(image: QueryImage) -> QueryCamera | None:
        known = camera or image.camera
        used["given" if known else "stated"] += 1
        return known or exif_camera(image.path)

    found = answer_images("locate", settings, images, localizer, camera_of, hints, shown)
    if used["stated"]:
        lines.append("cameras: the focal length in the EXIF of the images, since none is given")
    return LocatedOverMap(localizer, found.shown, lines + found.lines)


def opened_map(settings: MapSettings) -> MapLocalizer:
    """Open the map that settings name."""
    assert settings.map is not None
    localizer = open_map(
        settings.map,
        settings.dem,
        settings.dem_above,
        settings.ground_m or 0.0,
        settings.weights,
        settings.accelerator,
        settings.threads,
    )
    localizer.assumed = Assumed(
        settings.tilt_sigma_deg, settings.heading_deg, settings.height_above_ground_m
    )
    return localizer


def map_line(localizer: MapLocalizer) -> str:
    """Describe a map in one line."""
    files = localizer.files
    dates = ", ".join(files.dates[:3]) + (" ..." if len(files.dates) > 3 else "")
    count = f"{len(files.dates)} date{'s' if len(files.dates) > 1 else ''}"
    return f"map: {files.bounds.size} at {files.resolution_m:.2g} m a pixel, {count}: {dates}"


def _completed(
    hints: Sequence[Hint | None], localizer: MapLocalizer
) -> tuple[list[Hint | None], list[str]]:
    """Fill in what priors do not know, and say what that was; one that cannot be completed stays as it is."""
    completed: list[Hint | None] = []
    counts: Counter[str] = Counter()
    for hint in hints:
        try:
            full = full_prior(hint, localizer.files.ground_m, localizer.assumed)
        except InputError:
            completed.append(hint)
            continue
        completed.append(full.hint)
        counts.update(full.assumed)
    assumed = localizer.assumed
    told = {
        "tilt": f"no pitch and roll: the camera is taken to look straight down, to {assumed.tilt_sigma_deg:g} "
        "degrees (tilt_sigma_deg)",
        "heading": "no heading: every heading is searched"
        if assumed.heading_deg is None
        else "no heading: heading_deg is taken",
        "height": "no altitude: height_above_ground_m is taken",
    }
    return completed, [f"{counts[part]} priors have {told[part]}" for part in told if counts[part]]
