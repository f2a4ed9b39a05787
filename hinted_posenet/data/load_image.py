"""Any image that a user has, as upright RGB pixels: a file, its bytes, Pillow, NumPy or torch.

Files and Pillow images are turned as their EXIF orientation says, because that is the picture that a user sees,
and the one that the user's K describes. Labelled data sets are read as stored instead, see `decode.decode`.
"""

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import IMAGE_BYTES
from hinted_posenet.data.decode import BITS, bits_of, decoded, shifted
from hinted_posenet.data.image_files import opened, stored_pixels, turn_of

AnyImage = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.generic] | Tensor
Pixels = NDArray[np.uint8]

TURNED: dict[
    int, tuple[bool, int]
] = {  # orientation -> mirrored first, then quarter turns anticlockwise
    1: (False, 0),
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}
STACKS = {"GIF", "PNG", "WEBP", "TIFF", "AVIF"}  # several images in one; MPO only adds previews
LEAST_SIDE_PX = 16  # a smaller one is no photo, and more likely a wrong order of the axes
HALF_PRECISION_SLACK = 1e-3  # above 1, of resized floats

log = logging.getLogger(__name__)


def load_image(image: AnyImage, where: str = "image", upright: bool = True) -> Pixels:
    """Return an image as RGB uint8 (H, W, 3) in a new or a shared array, which is not to be changed.

    Arrays are (H, W), (H, W, 1), (H, W, 3) in the order R, G, B, or (H, W, 4), whose alpha is ignored; tensors
    also (3, H, W). They hold uint8, uint16, or floats from 0 to 1. White of uint16 is 1023, 4095, 16383 or 65535,
    the smallest that is not exceeded; of files, by those in the same folder. ``where`` names the image in errors.
    Bytes are the content of an image file. A file is left as stored, like those of data sets, if not ``upright``.

    Raises:
        InputError: It cannot be read, is animated, empty or too small, or has another shape, type or range.
    """
    if isinstance(image, str | os.PathLike):
        return _from_file(Path(image), upright)
    if isinstance(image, bytes):
        return _from_content(image, where, upright)
    if isinstance(image, Image.Image):
        return _from_pillow(image, where)
    if isinstance(image, Tensor):
        array = image.detach().cpu()
        if array.ndim == 3 and array.shape[0] == 3 and array.shape[-1] not in (3, 4):
            array = array.permute(1, 2, 0)
        return _from_array(
            (array.float() if array.dtype == torch.bfloat16 else array).numpy(), where
        )
    if isinstance(image, np.ndarray):
        return _from_array(image, where)
    raise InputError(
        f"{where}: {type(image).__name__} is no image; give a path, a Pillow image, a NumPy array or a tensor"
    )


def _from_file(path: Path, upright: bool) -> Pixels:
    with opened(path) as header:
        turn = turn_of(header) if upright else 1
        _refuse_stack(header, str(path))
    return _checked(_turned(decoded(path), turn), str(path))


def _from_content(content: bytes, where: str, upright: bool) -> Pixels:
    """Decode a file that is no file here, and has no folder whose images could tell how many bits it uses."""
    if len(content) > IMAGE_BYTES:
        raise InputError(f"{where}: more than {IMAGE_BYTES / 1e6:.0f} MB; shrink it")
    with opened(Path(where), content) as header:
        turn = turn_of(header) if upright else 1
        _refuse_stack(header, where)
    pixels = _turned(stored_pixels(content, Path(where)), turn)
    return _from_array(pixels, where)


def _turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    mirrored, turns = TURNED[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turns))


def _from_pillow(image: Image.Image, where: str) -> Pixels:
    _refuse_stack(image, where)
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith(
            ("I;16", "I", "F")
        ):  # convert("RGB") would cut values off at 255
            return _from_array(np.asarray(upright).astype(_exact_type(upright)), where)
        return _checked(np.array(upright.convert("RGB")), where)
    except (OSError, ValueError, SyntaxError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: cannot be decoded ({error}); check the image") from None


def _exact_type(image: Image.Image) -> type[np.generic]:
    """Return the type of a grey image: Pillow reads PNGs of 16 bits as integers of 32 bits too."""
    if image.mode == "F":
        return np.float32
    low, high = (float(value) for value in image.getextrema())  # type: ignore[arg-type]
    return np.uint16 if low >= 0 and high <= 65535 else np.int32


def _refuse_stack(image: Image.Image, where: str) -> None:
    count = getattr(image, "n_frames", 1)
    if image.format in STACKS and count > 1:
        raise InputError(f"{where}: has {count} frames; save the one that is meant as an image")


def _from_array(array: NDArray[np.generic], where: str) -> Pixels:
    """Convert an array (H, W), or (H, W, 1), (H, W, 3) or (H, W, 4)."""
    grey = array[..., None] if array.ndim == 2 else array
    if grey.ndim != 3 or grey.shape[2] not in (1, 3, 4):
        hint = ""
        if grey.ndim == 3 and grey.shape[0] in (1, 3, 4):
            hint = "; move the channels last"
        elif grey.ndim == 4:
            hint = "; give one image at a time"
        raise InputError(
            f"{where}: shape {tuple(array.shape)}, expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4){hint}"
        )
    grey = grey[..., :3]
    if grey.size == 0:
        raise InputError(f"{where}: shape {tuple(array.shape)} is empty; give an image with pixels")
    if grey.dtype == np.uint8:
        eight_bits = grey
    elif grey.dtype == np.uint16:
        bits = bits_of(int(grey.max()))
        _say_once(bits)
        eight_bits = shifted(grey, bits)
    elif np.issubdtype(grey.dtype, np.floating):
        low, high = float(grey.min()), float(grey.max())
        if not (low >= 0 and high <= 1 + HALF_PRECISION_SLACK):  # also where one is nan
            fix = "divide by 255" if 1 < high <= 255 and low >= 0 else "correct them"
            raise InputError(f"{where}: floats from {low:g} to {high:g}, expected 0 to 1; {fix}")
        eight_bits = np.rint(255 * np.minimum(grey, 1.0))
    else:
        raise InputError(
            f"{where}: type {array.dtype}, expected uint8, uint16, or floats from 0 to 1; convert it"
        )
    rgb = np.broadcast_to(eight_bits.astype(np.uint8, copy=False), (*grey.shape[:2], 3))
    return _checked(np.ascontiguousarray(rgb), where)


@cache
def _say_once(bits: int) -> None:
    if bits < max(BITS):
        log.warning(
            "an image of uint16 with values below %d is taken to hold %d bits; scale images to uint8 yourself "
            "if some of them are only dark",
            *(2**bits, bits),
        )


def _checked(pixels: Pixels, where: str) -> Pixels:
    """Refuse an image that is too small to be one."""
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE_PX:
        raise InputError(
            f"{where}: {width} x {height} pixels, expected at least {LEAST_SIDE_PX} x {LEAST_SIDE_PX}; "
            "give the whole photo"
        )
    return pixels
