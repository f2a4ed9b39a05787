"""The numbers behind the plots of errors."""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from hinted_posenet.report.frames import Floats

LEVELS = np.linspace(0, 1, 41)


class Binned(NamedTuple):
    """Medians of pairs, in bins of equal counts along x."""

    x: Floats  # (bins,)
    y: Floats
    pairs: int  # in a bin, at least


def recall_curve(errors: Floats) -> tuple[Floats, Floats]:
    """Thresholds, up to 101, and shares of errors (any shape, some may be inf) that are at most as large."""
    ordered = np.sort(errors, axis=None)
    rank = np.unique(np.linspace(0, len(ordered) - 1, 101).round().astype(int))
    finite = rank[np.isfinite(ordered[rank])]
    return ordered[finite], (finite + 1) / len(ordered)


def histogram(errors: Floats, edges: Floats) -> Floats:
    """Shares of errors (any shape) between edges; what lies beyond counts to the first and last bin."""
    inside = np.clip(errors.ravel(), edges[0], edges[-1])
    return np.histogram(inside, edges)[0] / errors.size


def binned_medians(x: Floats, y: Floats, bins: int) -> Binned:
    """Of pairs (N,): median y over median x, in at most ``bins`` bins of equal counts."""
    known = np.isfinite(x)
    order = np.argsort(x[known], kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    medians = [np.array([np.median(of[known][part]) for part in parts]) for of in (x, y)]
    return Binned(medians[0], medians[1], min(map(len, parts), default=0))


def coverage(errors: Floats, sigma: Floats) -> Floats | None:
    """Shares of errors that lie within the ball that a Gaussian of this sigma fills to each of LEVELS.

    Args:
        errors: lengths of error vectors of three components, any shape.
        sigma: one standard deviation of each component, of the same shape; ignored where it is not stated.

    Returns:
        (41,), or None if no sigma is stated.
    """
    stated = np.isfinite(sigma) & (sigma > 0)
    if not stated.any():
        return None
    filled = chi2.cdf((errors[stated] / sigma[stated]) ** 2, df=3)
    return np.array([(filled <= level).mean() for level in LEVELS])
