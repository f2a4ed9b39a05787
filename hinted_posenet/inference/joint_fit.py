"""One stretch for a whole covariance, and constants for its parts: for errors that are strongly correlated."""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from hinted_posenet.core.chi_square import chi_square_quantile
from hinted_posenet.inference.sigma_fit import CONTENT, DEGREES, LEAST_SCALE, PARTS, widened

STRETCHES = tuple(2.0 ** (step / 2) for step in range(-6, 9))  # tried
SHARES = (0.0, *(2.0**step for step in range(-2, 6)))  # tried, in units of the typical error
ROUNDS = 3  # in which each of them is chosen, given the others


def fit_joint_weights(error: Tensor, covariance: Tensor, ones: Tensor) -> Tensor:
    """Fit weights (3, 2) of `widened` to errors (N, 6) of answers with covariances (N, 6, 6).

    They are `likeliest_weights`, scaled to hold 95 % of the errors.
    """
    likeliest = likeliest_weights(error, covariance, ones)
    return likeliest * excess_of(error, covariance, likeliest)


def excess_of(error: Tensor, covariance: Tensor, weights: Tensor) -> float:
    """Return the factor of weights (3, 2) with which covariances hold 95 % of errors (N, 6)."""
    error, covariance = error.double(), covariance.double()
    fitted = widened(covariance, torch.ones_like(error), _rows(weights, error))
    surprise = _surprise(error, fitted)
    rank = min(math.ceil(CONTENT * (len(surprise) + 1)), len(surprise))
    excess = (
        float(surprise.sort().values[rank - 1] / chi_square_quantile(CONTENT, error.shape[1]))
        ** 0.5
    )
    return float(max(excess, LEAST_SCALE))


def likeliest_weights(error: Tensor, covariance: Tensor, ones: Tensor) -> Tensor:
    """Fit weights (3, 2) as those that are likeliest if errors follow a Student t: what an answer is weighed by.

    All parts are stretched alike, so that what is known of position and rotation together stays known.
    """
    error, covariance = error.double(), covariance.double()
    units = [_typical(error, covariance, axes) for axes in PARTS]
    choices = [STRETCHES, *([share * unit for share in SHARES] for unit in units)]
    found = [1.0, *(0.0 for _ in PARTS)]

    def loss(place: int, value: float) -> float:
        weights = _weights([*found[:place], value, *found[place + 1 :]])
        return _loss(error, widened(covariance, ones.double(), _rows(weights, error)))

    for _ in range(ROUNDS):
        for place, values in enumerate(choices):
            found[place] = min(values, key=partial(loss, place))
    return _weights(found)


def _typical(error: Tensor, covariance: Tensor, axes: tuple[int, ...]) -> float:
    """Return the typical error of a part, given all others: what its constant may have to explain."""
    information = torch.linalg.inv(covariance)[:, axes][:, :, axes]
    alone = torch.linalg.inv(information).diagonal(dim1=1, dim2=2).mean(dim=1).sqrt()
    return float(torch.minimum(alone.quantile(0.5), error[:, axes].abs().mean(dim=1).quantile(0.5)))


def _weights(values: Sequence[float]) -> Tensor:
    """Return weights (3, 2) of a stretch and of the share of each part."""
    return torch.tensor([[values[0], share] for share in values[1:]])


def _rows(weights: Tensor, error: Tensor) -> Tensor:
    return weights.to(error).expand(len(error), -1, -1)


def _surprise(error: Tensor, covariance: Tensor) -> Tensor:
    """Return the squared Mahalanobis distances (N,)."""
    e = error.unsqueeze(-1)
    surprise: Tensor = (e * torch.linalg.solve(covariance, e)).sum(dim=(1, 2))
    return surprise


def _loss(error: Tensor, covariance: Tensor) -> float:
    """Return the negative log likelihood of errors (N, 6), as Student's t."""
    axes = error.shape[1]
    tail = (DEGREES + axes) / 2 * torch.log1p(_surprise(error, covariance) / DEGREES)
    return float((tail + torch.linalg.slogdet(covariance)[1] / 2).mean())
