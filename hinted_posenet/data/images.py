"""From an image file to the pixels that a network sees: decode, undistort, resize and crop."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View


def read_bytes(path: Path) -> bytes:
    """Read the content of an image file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); fetch it again") from None


def decode(data: bytes, path: Path) -> cv2.typing.MatLike:
    """Decode an image file's content to an RGB uint8 array (H, W, 3); the path is for the error.

    EXIF orientation is ignored, because K and pose belong to the pixels as stored.
    """
    # libjpeg fills the missing part of a truncated file with grey, so look for its end marker
    cut_off = data[:2] == b"\xff\xd8" and data.find(b"\xff\xd9", data.find(b"\xff\xda")) < 0
    bgr = None
    if data and not cut_off:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if bgr is None:
        raise InputError(f"{path}: not a readable image, or cut off; fetch or write it again")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def decoded(path: Path) -> cv2.typing.MatLike:
    """Read an image as stored as an RGB uint8 array (H, W, 3), see `decode`."""
    return decode(read_bytes(path), path)


def undistorted(
    image: cv2.typing.MatLike,
    K: Tensor,
    distortion: Sequence[float],
    K_pinhole: Tensor | None = None,
    interpolation: int = cv2.INTER_LINEAR,
) -> cv2.typing.MatLike:
    """Remove lens distortion from an image (h, w, *): as a pinhole with K (3, 3), or with K_pinhole, sees it."""
    lens = K.double().numpy().copy()
    pinhole = lens.copy() if K_pinhole is None else K_pinhole.double().numpy().copy()
    for indexed in (lens, pinhole):
        indexed[:2, 2] -= 0.5  # OpenCV's maps count from the center of the top-left pixel
    size = (image.shape[1], image.shape[0])
    columns, rows = cv2.initUndistortRectifyMap(
        lens, np.asarray(distortion, np.float64), np.eye(3), pinhole, size, cv2.CV_32FC1
    )
    return cv2.remap(image, columns, rows, interpolation)


def resized(image: cv2.typing.MatLike, height: int, width: int) -> NDArray[np.uint8]:
    """Resize an image (h, w, 3) to (3, height, width); shrinking averages."""
    if image.shape[:2] != (height, width):
        shrinks = height <= image.shape[0] and width <= image.shape[1]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=interpolation)
    return np.asarray(image, np.uint8).transpose(2, 0, 1)


def fitted(view: View, image: cv2.typing.MatLike, height: int, width: int) -> NDArray[np.uint8]:
    """Undistort a view's stored image (h, w, 3) and resize it to (3, height, width).

    The pinhole has the same K; pixels are black where the lens saw nothing.
    """
    if view.distortion:
        image = undistorted(image, view.K, view.distortion)
    return resized(image, height, width)


Image = TypeVar("Image", Tensor, NDArray[np.uint8])


def center_crop(image: Image, K: Tensor, height: int, width: int) -> tuple[Image, Tensor]:
    """Crop the middle (*, C, height, width) of an image (*, C, H, W) -> it and its K (*, 3, 3).

    Raises:
        InputError: The crop is larger than the image.
    """
    top, left = margins(image.shape[-2:], height, width)
    return crop(image, K, top // 2, left // 2, height, width)


def crop(
    image: Image, K: Tensor, top: int, left: int, height: int, width: int
) -> tuple[Image, Tensor]:
    """Crop from row ``top`` and column ``left`` on -> the pixels and their K (*, 3, 3)."""
    offset = K.new_tensor([[0, 0, left], [0, 0, top], [0, 0, 0]])
    return image[..., top : top + height, left : left + width], K - offset


def margins(shape: Sequence[int], height: int, width: int) -> tuple[int, int]:
    """Return how many rows and columns a crop removes from an image of ``shape`` (height, width).

    Raises:
        InputError: The crop is larger than the image.
    """
    rows, columns = shape[0] - height, shape[1] - width
    if min(height, width) < 1 or min(rows, columns) < 0:
        raise InputError(
            f"data.crop=[{height}, {width}]: does not fit into images of {shape[0]} rows and "
            f"{shape[1]} columns; crop less, or raise data.height and data.width"
        )
    return rows, columns
