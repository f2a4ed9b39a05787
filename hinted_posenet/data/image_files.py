"""Image files as they are stored: which formats are read, what a header says, and the pixels in their own bits.

Nothing is turned by EXIF orientation here, because K and pose of a label belong to the pixels as stored. The
formats TIFF and HEIC turn their pixels themselves, in every decoder, so that theirs are stored upright. A
``.npz`` file, in which some data sets keep a frame, is read as the image in it, see `data.npz`.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hinted_posenet.core.errors import InputError, missing_extra
from hinted_posenet.core.limits import IMAGE_BYTES, IMAGE_PIXELS
from hinted_posenet.core.text import check_file, reading
from hinted_posenet.data import npz

HEIF_SUFFIXES = {".heic", ".heif", ".hif"}  # read by the extra `heic`
SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".jp2", ".avif"),
    *HEIF_SUFFIXES,
}
CONVERT = {  # suffixes of images that are not read -> what to do about them
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
        "develop raw photos to JPEG",
    ),
    **dict.fromkeys(
        (".gif", ".jxl", ".j2k", ".exr", ".hdr", ".tga", ".psd", ".pgm", ".ppm", ".pnm"),
        "convert them to PNG",
    ),
}
ORIENTATION = 0x0112  # EXIF tag
TURN_THEMSELVES = {"TIFF", "HEIF"}  # formats, as Pillow names them
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
STORED = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
SPOILT = "not a readable image, or cut off; fetch or write it again"

# `opened` has its own limit, which is Pillow's: from half of it on, Pillow would warn
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_bytes(path: Path) -> bytes:
    """Read the content of an image file; of a ``.npz``, that of the image in it."""
    if path.suffix == npz.SUFFIX:
        return npz.image_content(path)
    check_file(path, IMAGE_BYTES, "fetch it again")
    with reading(path, "fetch it again"):
        return path.read_bytes()


@contextmanager
def opened(path: Path, content: bytes | None = None) -> Iterator[Image.Image]:
    """Open an image by Pillow, which reads its header alone; ``content`` is that of the file, if it was read.

    Raises:
        InputError: It is no regular file, no image, or one of more than `IMAGE_PIXELS`; or what is done with it
            meanwhile fails, for a header of a stranger may hold anything.
    """
    if path.suffix == npz.SUFFIX:
        yield Image.fromarray(npz.image_pixels(content or npz.image_content(path), path))
        return
    if content is None:
        check_file(path, IMAGE_BYTES, "fetch it again")
        with reading(path, "fetch it again"), path.open("rb") as file:
            start = file.read(12)
    else:
        start = content[:12]
    if start[4:8] == b"ftyp" and start[8:] in HEIF_BRANDS:
        _install_heif(path)
    try:
        with Image.open(path if content is None else io.BytesIO(content)) as image:
            if image.width * image.height > IMAGE_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except InputError:
        raise
    except Image.DecompressionBombError:
        most = f"{IMAGE_PIXELS / 1e6:.0f} million pixels"
        raise InputError(
            f"{path}: more than the {most} that an image may have; shrink it"
        ) from None
    except Exception:  # Pillow's decoders raise errors of a dozen types
        raise InputError(f"{path}: {SPOILT}") from None


def turn_of(header: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, by which the stored pixels become upright; 1 is upright already."""
    if header.format in TURN_THEMSELVES:
        return 1
    stated = header.getexif().get(ORIENTATION, 1)
    return stated if stated in range(1, 9) else 1


def stored_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels as stored, from the file's header alone."""
    if path.suffix == npz.SUFFIX:
        return npz.image_size(path)
    with opened(path) as image:
        return image.size


def stored_pixels(content: bytes, path: Path) -> NDArray[Any]:
    """Decode an image file's content to RGB (H, W, 3) of uint8 or uint16; the path is for errors.

    Palettes and grey become RGB, and transparency is left out.

    Raises:
        InputError: It is no image, damaged, too large, or its values are not of 8 or 16 bits.
    """
    if content.startswith(npz.NPY):
        return npz.image_pixels(content, path)
    with opened(path, content) as header:
        if header.format == "HEIF":  # OpenCV does not read it
            return np.asarray(header.convert("RGB"))
    bgr = None
    if not _cut_off_jpeg(content):
        try:
            bgr = cv2.imdecode(np.frombuffer(content, np.uint8), STORED)
        except cv2.error:  # a size that the header did not announce
            bgr = None
    if bgr is None:
        raise InputError(f"{path}: {SPOILT}")
    if bgr.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"{path}: its values are {bgr.dtype}, expected 8 or 16 bits; write it as PNG of 8 or 16 bits"
        )
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _cut_off_jpeg(content: bytes) -> bool:
    """Return whether a JPEG has no end: decoders fill what is missing with grey, or with an earlier image."""
    if content[:2] != b"\xff\xd8":
        return False
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != b"\xda":
        # a segment, perhaps with a whole preview inside, has its length in front
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return content.find(b"\xff\xd9", place) < 0


def _install_heif(path: Path) -> None:
    """Let Pillow read HEIC photos, whose pixels come upright."""
    try:
        import pillow_heif
    except ModuleNotFoundError as error:
        raise InputError(f"{path}: a HEIC photo; {missing_extra(error)}") from None
    pillow_heif.register_heif_opener()
