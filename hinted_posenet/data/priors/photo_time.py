"""When an image was taken, from its EXIF."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from PIL import ExifTags

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.image_files import opened

SUBSEC_ORIGINAL = 0x9291  # SubSecTimeOriginal, which Pillow has no name for


def exif_time_s(path: Path, utc_offset_h: float | None = None) -> float | None:
    """Return when an image was taken, in seconds since 1970 UTC; None if it does not say.

    Raises:
        InputError: The image states local time without its offset from UTC, and ``utc_offset_h`` is None.
    """
    with opened(path) as image:
        tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
    stated = tags.get(ExifTags.Base.DateTimeOriginal)
    if not stated:
        return None
    fraction = str(tags.get(SUBSEC_ORIGINAL, "")).strip("\0 ") or "0"
    offset = str(tags.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    try:
        taken = datetime.strptime(str(stated).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        zone = datetime.strptime(offset, "%z").tzinfo if offset else None
        part_s = float(f"0.{fraction}")
    except ValueError:
        raise InputError(
            f"{path}: its time {stated!r} is not written as EXIF; write the image again"
        ) from None
    if zone is None and utc_offset_h is None:
        raise InputError(
            f"{path}: states local time without its offset from UTC; give utc_offset_h, such as 2 for "
            "summer in Paris"
        )
    if utc_offset_h is not None and not abs(utc_offset_h) < 24:
        raise InputError(f"utc_offset_h={utc_offset_h:g}: expected hours between -24 and 24")
    zone = zone or timezone(timedelta(hours=utc_offset_h or 0.0))
    return taken.replace(tzinfo=zone).timestamp() + part_s
