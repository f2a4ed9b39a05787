"""Localize the images of a folder, glob, list or video, with priors from a file, and write their poses."""

import logging
from collections import Counter
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.types import Hint
from hinted_posenet.data.priors.check import check_priors
from hinted_posenet.data.priors.load import PriorSource, load_priors
from hinted_posenet.data.priors.place import prior_keys
from hinted_posenet.data.query_camera import given_camera
from hinted_posenet.data.query_images import Listed, QueryImage, open_images
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.locate import AnyCamera, Localizer, load
from hinted_posenet.inference.predict_settings import PredictSettings
from hinted_posenet.inference.write_estimates import poses_format, write_estimates

log = logging.getLogger(__name__)


class Predicted(NamedTuple):
    """What was written, and some of the images for a picture."""

    localizer: Localizer
    shown: list[Located]
    lines: list[str]  # a summary


def predict(settings: PredictSettings, shown: int = 0) -> Predicted:
    """Localize images and write their poses; ``shown`` of them, evenly spaced, come back with their pixels.

    An image that cannot be read, or that the training camera could not have taken, is written without an answer
    and counted.

    Raises:
        InputError: Output, images, priors or camera are wrong, or no image could be localized.
    """
    check_writable(settings.out)
    camera = given_camera(settings.K, settings.focal_px, settings.camera_file)
    rate = settings.every, settings.every_s
    images = open_images(
        settings.images, *rate, settings.video_start_s, upright=not settings.as_stored
    )
    localizer = load(
        settings.checkpoint, settings.accelerator, settings.threads, settings.map, settings.dem
    )
    asked = settings.out, settings.poses_format, localizer.origin, settings.covariance
    format = poses_format(*asked)  # refuses before anything is computed
    lines: list[str] = []
    hints: list[Hint | None] = []
    if settings.priors:
        hints = _hints(settings, images.listed(), localizer, lines)
    kept = set(
        np.linspace(0, len(images) - 1, min(len(images), shown)).round().astype(int).tolist()
    )
    rows, answered = [], []
    for index, image in enumerate(tqdm(images, "predict", len(images), unit="image")):
        hint = hints[index] if index < len(hints) else None
        row = _answer(localizer, image, camera, hint)
        rows.append(row)
        if index in kept:
            pixels = None if isinstance(image.pixels, InputError) else image.pixels
            answered.append(Located(row, pixels, hint if localizer.takes_hints else None))
    if not any(row.answered for row in rows):
        raise InputError(
            f"{rows[0].name}: {rows[0].status}" if rows else f"{settings.images}: no images"
        )
    write_estimates(settings.out, rows, format, localizer.origin, settings.covariance)
    counts = Counter(row.status if row.answered else "without an answer" for row in rows)
    statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    lines.append(f"{len(rows)} images: {statuses}")
    lines += [f"  {row.name}: {row.status}" for row in rows if not row.answered][:3]
    lines.append(f"written: {settings.out}, in the world of {localizer.name}")
    return Predicted(localizer, answered, lines)


def _hints(
    settings: PredictSettings, listed: list[Listed], localizer: Localizer, lines: list[str]
) -> list[Hint | None]:
    """Return the hint of each image or None, and say which have none."""
    files = {one.name: one.path for one in listed}
    times = {one.name: one.time_s for one in listed}
    video = any(time_s is not None for time_s in times.values())
    keys = prior_keys(
        settings.prior_sigma_m,
        settings.prior_sigma_r_deg,
        settings.altitude_above,
        settings.takeoff_altitude_m,
        settings.ground_m,
    )
    tolerances = settings.time_tolerance_s, settings.utc_offset_h
    source = PriorSource(str(settings.priors), keys, *tolerances)
    matched = load_priors(source, files, localizer.origin, times if video else None)
    lines += matched.lines()
    center, size_m = localizer.extent
    return check_priors(list(files), matched.hints, center, size_m, settings.far_priors)


def _answer(
    localizer: Localizer, image: QueryImage, camera: AnyCamera, hint: Hint | None
) -> EstimateRow:
    if isinstance(image.pixels, InputError):
        return EstimateRow.unanswered(image.name, str(image.pixels), image.time_s)
    try:
        found: Estimate = localizer.locate(image.pixels, camera, hint)
    except InputError as error:
        reason = str(error).removeprefix("image: ")
        return EstimateRow.unanswered(image.name, reason, image.time_s)
    return EstimateRow(
        image.name,
        found.pose,
        found.covariance,
        found.status,
        image.time_s,
        found.hint,
        found.steps,
        found.out_of_map,
    )
