"""Rotation: what grows on a parcel in a year."""

import numpy as np
from numpy.typing import NDArray

MEADOW_SHARE = 0.2  # of the parcels: never ploughed
ARABLE_SHARES = {"wheat": 0.32, "maize": 0.25, "rapeseed": 0.17, "beet": 0.14, "soil": 0.12}
CROPS = ("meadow", *ARABLE_SHARES)
STEP = (0.35, 0.65)  # of the circle of crops, from year to year; every parcel has its own


def crops(draw: NDArray[np.float64], year: int) -> NDArray[np.intp]:
    """Index in `CROPS` of parcels by their draws in [0, 1); the shares are the same in every year."""
    step = STEP[0] + (STEP[1] - STEP[0]) * (draw * 97 % 1)
    place = ((draw - MEADOW_SHARE) / (1 - MEADOW_SHARE) + year * step) % 1
    shares = np.cumsum(list(ARABLE_SHARES.values()))
    arable = 1 + np.minimum(np.searchsorted(shares, place, "right"), len(shares) - 1)
    return np.where(draw < MEADOW_SHARE, 0, arable)
