"""Localize images of a folder, glob, list, video or ROS bag, with priors from a file, and write their poses."""

from collections.abc import Sequence
from typing import NamedTuple

from hinted_posenet.core.types import Hint
from hinted_posenet.data.priors.check import check_priors
from hinted_posenet.data.priors.load import PriorSource, load_priors
from hinted_posenet.data.priors.place import GroundAt, prior_keys
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.data.query_images import Listed, QueryImage
from hinted_posenet.inference.answer_images import Answering, answer_images, asked_images
from hinted_posenet.inference.estimate_row import Located
from hinted_posenet.inference.locate import Localizer, load
from hinted_posenet.inference.predict_settings import PredictSettings, PriorSettings
from hinted_posenet.inference.write_estimates import poses_format


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
    camera, images = asked_images(settings)
    localizer = load(
        settings.checkpoint, settings.accelerator, settings.threads, settings.map, settings.dem
    )
    # refuses before anything is computed
    poses_format(settings.out, settings.poses_format, localizer.origin, settings.covariance)
    lines: list[str] = []
    hints: list[Hint | None] = []
    if settings.priors:
        hints = read_hints(settings, settings.priors, images.listed(), localizer, lines)

    def camera_of(image: QueryImage) -> QueryCamera | None:
        return camera or image.camera

    found = answer_images("predict", settings, images, localizer, camera_of, hints, shown)
    return Predicted(localizer, found.shown, lines + found.lines)


def read_hints(
    settings: PriorSettings,
    priors: str,
    listed: Sequence[Listed],
    localizer: Answering,
    lines: list[str],
    ground_at: GroundAt | None = None,
) -> list[Hint | None]:
    """Return the hint of each image or None, and say which have none.

    ``ground_at`` gives the height of the ground for altitudes above it, where no key does.
    """
    files = {one.name: one.path for one in listed}
    times = {one.name: one.time_s for one in listed}
    video = any(time_s is not None for time_s in times.values())
    keys = prior_keys(
        settings.prior_sigma_m,
        settings.prior_sigma_r_deg,
        settings.altitude_above,
        settings.takeoff_altitude_m,
        settings.ground_m,
    )._replace(ground_at=ground_at)
    tolerances = settings.time_tolerance_s, settings.utc_offset_h
    source = PriorSource(priors, keys, *tolerances)
    matched = load_priors(source, files, localizer.origin, times if video else None)
    lines += matched.lines()
    center, size_m = localizer.extent
    return check_priors(list(files), matched.hints, center, size_m, settings.far_priors)
