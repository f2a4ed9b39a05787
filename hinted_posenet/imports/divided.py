"""What a split is: views by split, and what the manifest tells of how it was made."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hinted_posenet.types import InputError, View


class Shares(NamedTuple):
    """How many of the frames are held out, from 0 to 1."""

    test: float
    val: float  # 0: no validation split; training then holds out a part by itself

    def check(self) -> None:
        """Refuse shares that leave nothing to test, or nothing to train on."""
        if not (self.test > 0 and self.val >= 0 and self.test + self.val < 1):
            raise InputError(
                f"shares of {self.test:g} for the test and {self.val:g} for validation: expected the "
                "first above 0, the second not below, and less than 1 together"
            )


class Divided(NamedTuple):
    """Views by split: "train", "val" and "test"."""

    views: dict[str, list[View]]
    told: dict[str, Any]  # how it was made, with its numbers, for the manifest


def camera_centres(views: Sequence[View]) -> NDArray[np.float64]:
    """(N, 3) in metres."""
    return np.array([view.T_world_cam.t.tolist() for view in views]).reshape(-1, 3)


def nearest_m(views: Sequence[View], others: Sequence[View]) -> NDArray[np.float64]:
    """(N,) metres from each view's camera to the nearest of the others; inf where there are none."""
    if not views or not others:
        return np.full(len(views), np.inf)
    distances: NDArray[np.float64] = cKDTree(camera_centres(others)).query(camera_centres(views))[0]
    return distances
