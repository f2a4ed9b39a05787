"""Quantiles of the chi-square distribution, without `scipy.stats`, which is slow to import."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv


def chi_square_quantile(share: ArrayLike, degrees_of_freedom: float) -> NDArray[np.float64]:
    """Return what chi-square variables do not exceed with these probabilities (any shape), in the same shape."""
    quantile: NDArray[np.float64] = 2 * gammaincinv(degrees_of_freedom / 2, share)
    return quantile
