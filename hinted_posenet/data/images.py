"""From the pixels of a photo to those that a network sees: undistort, resize and crop."""

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.distortion import Distortion, undistortion_maps


def undistorted(
    image: cv2.typing.MatLike,
    K: Tensor,
    distortion: Distortion,
    K_pinhole: Tensor | None = None,
    interpolation: int = cv2.INTER_LINEAR,
) -> cv2.typing.MatLike:
    """Remove lens distortion from an image (h, w, *): as a pinhole with K (3, 3), or with K_pinhole, sees it."""
    lens = K.double().numpy().copy()
    pinhole = lens.copy() if K_pinhole is None else K_pinhole.double().numpy().copy()
    for indexed in (lens, pinhole):
        indexed[:2, 2] -= 0.5  # OpenCV's maps count from the center of the top-left pixel
    size = (image.shape[1], image.shape[0])
    columns, rows = undistortion_maps(lens, distortion, pinhole, size)
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
    offset = torch.tensor([[0, 0, left], [0, 0, top], [0, 0, 0]], dtype=K.dtype).to(
        K, non_blocking=True
    )
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
