"""What localizers keep of an image before any hint is known, so that many hints can be tried on it."""

from typing import NamedTuple

from torch import Tensor

from hinted_posenet.core.types import Query
from hinted_posenet.data.load_image import Pixels


class PreparedImage(NamedTuple):
    """An image for the localizer of a trained place."""

    query: Query  # (1,) without a prior, with features
    where: str  # what errors call it


class PreparedView(NamedTuple):
    """An image for the localizer over a map."""

    pixels: Pixels  # (3, h, w) without distortion
    K: Tensor  # (3, 3) float64, pixels
