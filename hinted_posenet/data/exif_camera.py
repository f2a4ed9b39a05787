"""The focal length that an image file states, for images whose camera was not given.

| tag                                       | gives                                                           |
|-------------------------------------------|-----------------------------------------------------------------|
| DJI CalibratedFocalLength                 | the focal length in pixels                                      |
| FocalLength, FocalPlaneXResolution        | the same from millimetres and pixels per inch, cm or mm         |
| FocalLengthIn35mmFilm                     | the same from the diagonal of the image, 43.27 mm on film       |

The first that is there is taken. What is stated is good to a few percent, and says nothing of the distortion.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import ExifTags

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.image_files import SUFFIXES, opened
from hinted_posenet.data.priors.exif import read_tags
from hinted_posenet.data.query_camera import QueryCamera

FILM_DIAGONAL_MM = math.hypot(36, 24)
UNITS_MM = {2: 25.4, 3: 10.0, 4: 1.0}  # of FocalPlaneResolutionUnit
SHORTEST, LONGEST = 0.2, 20.0  # of a focal length, in longer sides of the image
EXIF = ExifTags.Base


def exif_camera(path: Path, content: bytes | None = None) -> QueryCamera | None:
    """Return the camera that an image file states; None where it states no focal length that a camera has.

    ``content`` is that of the file, if it was read; the path then only names it in errors.
    """
    if content is None and path.suffix.lower() not in SUFFIXES:
        return None
    with opened(path, content) as image:
        width, height = image.size
        tags = dict(image.getexif().get_ifd(ExifTags.IFD.Exif))
    try:
        _, dji = read_tags(path, content)
    except InputError:  # XMP that cannot be read states nothing
        dji = {}
    for focal_px in _stated(tags, dji, width, height):
        if SHORTEST * max(width, height) < focal_px < LONGEST * max(width, height):
            return QueryCamera(None, focal_px)
    return None


def _stated(
    tags: Mapping[int, Any], dji: Mapping[str, str], width: int, height: int
) -> list[float]:
    """Return the focal lengths in pixels that the tags state, the most exact one first; 0 where one does not."""
    calibrated = _number(dji.get("CalibratedFocalLength"))
    focal_mm, film_mm = (
        _number(tags.get(EXIF.FocalLength)),
        _number(tags.get(EXIF.FocalLengthIn35mmFilm)),
    )
    per_unit = _number(tags.get(EXIF.FocalPlaneXResolution))
    unit_mm = UNITS_MM.get(tags.get(EXIF.FocalPlaneResolutionUnit, 2), 25.4)
    stored = _number(tags.get(EXIF.ExifImageWidth)) or width  # before the image was scaled
    return [
        calibrated,
        focal_mm * per_unit / unit_mm * width / stored,
        film_mm * math.hypot(width, height) / FILM_DIAGONAL_MM,
    ]


def _number(value: Any) -> float:
    """Return a tag as a number; 0 where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) else 0.0
