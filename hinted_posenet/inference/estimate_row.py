"""What is written and drawn of one image."""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.query_camera import QueryCamera


class EstimateRow(NamedTuple):
    """An image's pose; nan where there is no answer, and the status says why."""

    name: str
    pose: Pose  # T_world_cam, (3,) and (4,) float64
    covariance: Tensor  # (6, 6) float64, as in `Hint`; inf on the diagonal where it is not known
    status: str
    time_s: float | None = None  # None: a photo
    hint: str = ""  # what the answer started from, see `Estimate`
    steps: int = 0  # of refinement
    out_of_map: float = math.nan  # see `Estimate`

    @classmethod
    def unanswered(cls, name: str, status: str, time_s: float | None = None) -> "EstimateRow":
        """Return the row of an image without a pose."""
        nan = torch.full((10, 6), torch.nan, dtype=torch.float64)
        return cls(name, Pose(nan[0, :3], nan[0, :4]), nan[:6], status, time_s)

    @property
    def answered(self) -> bool:
        """Whether there is a pose."""
        return bool(self.pose.t.isfinite().all() and self.pose.q.isfinite().all())

    @property
    def sigma(self) -> Tensor:
        """(6,) standard deviations along and about the world's axes: three in metres, three in radians."""
        return self.covariance.diagonal().sqrt()


class Located(NamedTuple):
    """An image with what was estimated for it."""

    row: EstimateRow
    pixels: NDArray[np.uint8] | None  # RGB (H, W, 3); None: it cannot be read
    hint: Hint | None = None  # () that the estimate began with; None: there was none
    camera: QueryCamera | None = None  # None: that of the training
