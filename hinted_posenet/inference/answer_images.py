"""Ask a localizer about images one after another, and write its answers: what `predict` and `locate` share."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint
from hinted_posenet.data.load_image import Pixels
from hinted_posenet.data.query_camera import QueryCamera, given_camera
from hinted_posenet.data.query_images import QueryImage, QueryImages, open_images
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.predict_settings import ImageSettings, QuerySettings
from hinted_posenet.inference.write_estimates import write_estimates

CameraOf = Callable[[QueryImage], QueryCamera | None]


class Answering(Protocol):
    """A localizer: that of a trained place, or of a map."""

    name: str
    takes_hints: bool

    @property
    def origin(self) -> Origin | None:
        """Where its world lies on Earth; None if that is not known."""

    @property
    def extent(self) -> tuple[Tensor, float]:
        """Center (3,) and size in metres of what it knows."""

    def locate(self, image: Pixels, K: QueryCamera | None, hint: Hint | None) -> Estimate:
        """Localize one image."""


class Asked(NamedTuple):
    """What is localized."""

    camera: QueryCamera | None  # of all images, where it is given
    images: QueryImages


def asked_images(settings: ImageSettings) -> Asked:
    """Open the images and the camera that settings name, after a look at where answers are written.

    Raises:
        InputError: One of them is wrong.
    """
    check_writable(settings.out)
    camera = given_camera(settings.K, settings.focal_px, settings.camera_file)
    images = open_images(
        settings.images,
        settings.every,
        settings.every_s,
        settings.video_start_s,
        not settings.as_stored,
        settings.image_topic,
    )
    return Asked(camera, images)


class Answered(NamedTuple):
    """Some of the images for a picture, and a summary."""

    shown: list[Located]
    lines: list[str]


def answer_images(
    verb: str,
    settings: QuerySettings,
    images: QueryImages,
    localizer: Answering,
    camera_of: CameraOf,
    hints: Sequence[Hint | None],
    shown: int = 0,
) -> Answered:
    """Localize images and write their poses; ``shown`` of them, evenly spaced, come back with their pixels.

    An image that cannot be read or localized is written without an answer, with the reason as its status.

    Raises:
        InputError: No image could be localized.
    """
    kept = set(
        np.linspace(0, len(images) - 1, min(len(images), shown)).round().astype(int).tolist()
    )
    rows, answered = [], []
    for index, image in enumerate(tqdm(images, verb, len(images), unit="image")):
        hint = hints[index] if index < len(hints) else None
        row, camera = _answer(localizer, image, camera_of, hint)
        rows.append(row)
        if index in kept:
            pixels = None if isinstance(image.pixels, InputError) else image.pixels
            hint = hint if localizer.takes_hints else None
            answered.append(Located(row, pixels, hint, camera))
    if not any(row.answered for row in rows):
        raise InputError(
            f"{rows[0].name}: {rows[0].status}" if rows else f"{settings.images}: no images"
        )
    write_estimates(
        settings.out, rows, settings.poses_format, localizer.origin, settings.covariance
    )
    counts = Counter(row.status if row.answered else "without an answer" for row in rows)
    statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    lines = [f"{len(rows)} images: {statuses}"]
    lines += [f"  {row.name}: {row.status}" for row in rows if not row.answered][:3]
    lines.append(f"written: {settings.out}, in the world of {localizer.name}")
    return Answered(answered, lines)


def _answer(
    localizer: Answering, image: QueryImage, camera_of: CameraOf, hint: Hint | None
) -> tuple[EstimateRow, QueryCamera | None]:
    """Return the row of an image, and the camera that it was asked with."""
    if isinstance(image.pixels, InputError):
        return EstimateRow.unanswered(image.name, str(image.pixels), image.time_s), None
    camera = None
    try:
        camera = camera_of(image)
        found = localizer.locate(image.pixels, camera, hint)
    except InputError as error:
        reason = str(error).removeprefix("image: ")
        return EstimateRow.unanswered(image.name, reason, image.time_s), camera
    row = EstimateRow(
        image.name,
        found.pose,
        found.covariance,
        found.status,
        image.time_s,
        found.hint,
        found.steps,
        found.out_of_map,
    )
    return row, camera
