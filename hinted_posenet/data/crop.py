"""Crops at whole pixels, of an image and its K together: exact, nothing is resampled."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.types import InputError

Image = TypeVar("Image", Tensor, NDArray[np.uint8])


def centre_crop(image: Image, K: Tensor, height: int, width: int) -> tuple[Image, Tensor]:
    """The middle (*, C, height, width) of an image (*, C, H, W), and its K (*, 3, 3).

    Raises:
        InputError: the crop is larger than the image.
    """
    top, left = margins(image.shape[-2:], height, width)
    return crop(image, K, top // 2, left // 2, height, width)


def crop(
    image: Image, K: Tensor, top: int, left: int, height: int, width: int
) -> tuple[Image, Tensor]:
    """The pixels from row ``top`` and column ``left`` on, and their K (*, 3, 3), pixels."""
    offset = K.new_tensor([[0, 0, left], [0, 0, top], [0, 0, 0]])
    return image[..., top : top + height, left : left + width], K - offset


def margins(shape: Sequence[int], height: int, width: int) -> tuple[int, int]:
    """How many rows and columns a crop leaves of an image of ``shape`` (height, width).

    Raises:
        InputError: the crop is larger than the image.
    """
    rows, columns = shape[0] - height, shape[1] - width
    if min(height, width) < 1 or min(rows, columns) < 0:
        raise InputError(
            f"data.crop=[{height}, {width}]: does not fit into images of {shape[0]} rows and "
            f"{shape[1]} columns; crop less, or raise data.height and data.width"
        )
    return rows, columns
