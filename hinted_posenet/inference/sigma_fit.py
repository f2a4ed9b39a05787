"""Covariances that are fitted to errors: what is stated, stretched, plus a share of a disagreement."""

import math

import torch
from torch import Tensor

from hinted_posenet.core.chi_square import chi_square_quantile

# horizontal, vertical, rotation: the parts of an error that are weighted apart, by their axes in a covariance
PARTS = ((0, 1), (2,), (3, 4, 5))
BLOCKS = (slice(0, 3), slice(3, 6))  # whose ellipsoids are calibrated: position, rotation
PART_OF_AXIS = tuple(part for part, axes in enumerate(PARTS) for _ in axes)
PARTS_OF_BLOCK = ((0, 1), (2,))
CONTENT = 0.95  # of the ellipsoids
RATIOS = (0.0, *(2.0**step for step in range(-5, 4)))  # tried: share over stretch, in medians
SCALES = tuple(2.0 ** (step / 4) for step in range(-16, 17))  # tried for each ratio, in medians
# metres, radians; images that are found in the training set have no error, but a covariance has an inverse
LEAST_ERROR, LEAST_SCALE = 1e-4, 0.1
DEGREES = 4.0  # of freedom of the Student t that judges them: errors have heavy tails


def root_mean_square(off: Tensor) -> Tensor:
    """Replace each axis of (N, 6) by the root mean square over the axes of its part, (N, 6)."""
    parts = [off[:, axes].square().mean(dim=1).sqrt() for axes in PARTS]
    return torch.stack([parts[part] for part in PART_OF_AXIS], dim=1)


def widened(covariance: Tensor, off: Tensor, weights: Tensor) -> Tensor:
    """Stretch covariances (N, 6, 6) and add a share of the disagreement ``off`` (N, 6), metres and radians.

    Weights (N, 3, 2) hold for each part the stretch of its standard deviations, and the share.
    """
    stretch, share = weights[:, PART_OF_AXIS].unbind(dim=-1)  # (N, 6)
    wider = (share * root_mean_square(off)).square().diag_embed()
    return stretch.unsqueeze(-1) * covariance * stretch.unsqueeze(-2) + wider


def fit_weights(error: Tensor, covariance: Tensor, off: Tensor) -> Tensor:
    """Fit weights (3, 2) of `widened` to errors (N, 6) of answers with covariances (N, 6, 6).

    Ratios of the two weights are the likeliest under a Student t; then the ellipsoids of position and rotation are
    scaled to hold 95 % of the errors, which need not be normally distributed.
    """
    stated = covariance.diagonal(dim1=1, dim2=2).sqrt()
    weights = torch.stack([_likeliest(error[:, a], stated[:, a], off[:, a]) for a in PARTS])
    fitted = widened(covariance, off, weights.expand(len(error), -1, -1))
    for block, parts in zip(BLOCKS, PARTS_OF_BLOCK, strict=True):
        matrix, e = fitted[:, block, block].double(), error[:, block, None].double()
        nees = (e * torch.linalg.solve(matrix, e)).sum(dim=(1, 2))
        rank = min(math.ceil(CONTENT * (len(nees) + 1)), len(nees))
        excess = float(nees.sort().values[rank - 1] / chi_square_quantile(CONTENT, 3)) ** 0.5
        weights[list(parts)] *= max(excess, LEAST_SCALE)
    return weights


def _likeliest(error: Tensor, stated: Tensor, off: Tensor) -> Tensor:
    """Return the likeliest stretch and share (2,) for errors, stated sigmas and disagreements (N, axes)."""
    norm, axes = error.norm(dim=1), error.shape[1]
    sigma, gap = (x.square().mean(dim=1).sqrt() for x in (stated, off))
    unit, gap_unit = (x.quantile(0.5).clamp_min(1e-6) for x in (sigma, gap))
    ratio = torch.tensor(RATIOS).to(norm) * unit / gap_unit  # (R,)
    shape = (sigma.square() + (ratio[:, None] * gap).square()).sqrt()  # (R, N)
    start = norm.quantile(0.5).clamp_min(LEAST_ERROR) / unit
    scale = torch.tensor(SCALES).to(norm) * start  # (S,)
    s = scale[:, None, None] * shape  # (S, R, N)
    tail = (DEGREES + axes) / 2 * torch.log1p((norm / s).square() / DEGREES)
    loss = (axes * s.log() + tail).mean(dim=2)
    best = int(loss.argmin())
    stretch = scale[best // len(RATIOS)]
    return torch.stack([stretch, stretch * ratio[best % len(RATIOS)]])
