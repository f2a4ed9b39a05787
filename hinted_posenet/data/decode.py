"""From an image file to RGB of 8 bits: the one way in which every part of the package reads labelled images.

Cameras store values of 10, 12 or 14 bits in files of 16 bits and do not say so. Scaled by 65535, a photo of 12
bits would be almost black; scaled by its own largest value, a dark photo would look like a bright one. So the
images of a folder have one scale, the smallest of these numbers of bits that holds a sample of them.
"""

import logging
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.image_files import opened, read_bytes, stored_pixels

BITS = (10, 12, 14, 16)
SAMPLED = 24  # images of a folder, whose largest value decides

log = logging.getLogger(__name__)


def decoded(path: Path) -> NDArray[np.uint8]:
    """Read an image as stored as an RGB uint8 array (H, W, 3), see `decode`."""
    return decode(read_bytes(path), path)


def thumbnail(path: Path, side_px: int) -> NDArray[np.uint8] | None:
    """Read an image, see `decode`, its longer side at most ``side_px``; None if it cannot be read."""
    try:
        image = decoded(path)
    except InputError:
        return None
    scale = side_px / max(image.shape[:2])
    if scale < 1:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)
    return image


def decode(content: bytes, path: Path) -> NDArray[np.uint8]:
    """Decode an image file's content to an RGB uint8 array (H, W, 3).

    EXIF orientation is ignored, because K and pose belong to the pixels as stored. 16 bits become 8 by the scale
    of the images in the folder of ``path``, which also names the file in errors.
    """
    return eight_bits(stored_pixels(content, path), path)


def eight_bits(pixels: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Scale the stored pixels of an image file to uint8, see `decode`; those of 8 bits stay as they are."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    bits, largest = folder_bits(path), int(pixels.max())
    if largest >> bits:
        log.warning(
            "%s: values up to %d are white above %d, for the other images of its folder hold %d bits",
            *(path, largest, 2**bits - 1, bits),
        )
    return shifted(pixels, bits)


def shifted(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Scale uint16 values of ``bits`` bits to uint8; larger ones become 255."""
    return np.asarray(np.minimum(values >> (bits - 8), 255), np.uint8)


def bits_of(largest: int) -> int:
    """Return the smallest number of `BITS` that holds a value of up to 65535."""
    return next(bits for bits in BITS if not largest >> bits)


def folder_bits(path: Path) -> int:
    """Return how many of 16 bits those images use that lie beside an image and have its suffix and mode."""
    with opened(path) as header:
        kind = path.absolute().parent, path.suffix, header.mode
    with _one_thread:  # the others wait for its answer
        if kind not in _known:
            bits, said = _bits_beside(*kind)
            if bits < max(BITS):
                log.warning(said)
            _known[kind] = bits
        return _known[kind]


_one_thread = threading.Lock()
_known: dict[
    tuple[Path, str, str], int
] = {}  # of this process, so that no scale changes within a run


def _bits_beside(folder: Path, suffix: str, mode: str) -> tuple[int, str]:
    """Return the bits, and a line that says what they are taken from."""
    alike = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    chosen = np.linspace(0, len(alike) - 1, min(len(alike), SAMPLED)).round().astype(int)
    found = [_largest(alike[row], mode) for row in chosen.tolist()]
    largest, count = max(found, default=0), sum(value > 0 for value in found)
    bits = bits_of(largest)
    return bits, (
        f"{folder}: {suffix} images of 16 bits are taken to hold {bits}, for the largest value in {count} of "
        f"them is {largest}"
    )


def _largest(path: Path, mode: str) -> int:
    """Return the largest value of an image of 16 bits and a mode of Pillow; 0 of others."""
    try:
        with opened(path) as header:
            if header.mode != mode:
                return 0
        pixels = stored_pixels(read_bytes(path), path)
    except InputError:  # told of when it is that image's turn
        return 0
    return int(pixels.max()) if pixels.dtype == np.uint16 else 0
