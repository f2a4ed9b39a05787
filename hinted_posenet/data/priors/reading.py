"""What a line of a file says about the pose of one image, and the covariance that its numbers stand for."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.geodesy import axes_of_angles

PARALLEL = 1e-9  # cosine between two axes, above which a turn about one is a turn about the other


class Reading(NamedTuple):
    """One prior as its file states it, before it is placed in the world of a scene."""

    where: str  # file and line
    name: str | None  # of the image; None where it is found by time
    time_s: float | None  # in the clock of the images
    # (3,) float64: x, y, z in metres of the world, or latitude and longitude in degrees and altitude in metres;
    # nan is not known
    position: Tensor
    geographic: bool  # which of the two
    # what the altitude is above: ellipsoid, geoid, takeoff, ground or scene; None where the file does not say
    altitude_above: str | None
    q: Tensor | None  # (4,) float64 of T_world_cam; None where it is not known
    # (6, 6) float64 as of a `Hint`; inf on the diagonal is not known, nan where the file does not say
    covariance: Tensor


def blocks(position: Tensor | None, rotation: Tensor | None) -> Tensor:
    """Return the covariance (6, 6) of two blocks (3, 3); nan where one of them is None."""
    covariance = torch.zeros(6, 6, dtype=torch.float64)
    for start, block in ((0, position), (3, rotation)):
        covariance[start : start + 3, start : start + 3] = torch.nan if block is None else block
    return covariance


def variances(sigmas: Sequence[float]) -> Tensor:
    """Return the diagonal covariance (N, N) float64 of standard deviations (N,)."""
    return torch.tensor(sigmas, dtype=torch.float64).square().diag_embed()


def without(covariance: Tensor, unknown: Tensor) -> Tensor:
    """Return a covariance (N, N) with infinite variance, and zeros beside it, where ``unknown`` (N,) is true."""
    cleared = covariance.masked_fill(unknown[:, None] | unknown, 0.0)
    infinite = torch.full_like(unknown, torch.inf, dtype=torch.float64)
    return cleared + torch.where(unknown, infinite, 0.0).diag_embed()


def angles_covariance(heading_deg: float, pitch_deg: float, sigmas_deg: Sequence[float]) -> Tensor:
    """Return the covariance (3, 3) in rad^2 about the world's axes of sigmas of heading, pitch and roll.

    An unknown angle makes each axis of the world unknown about which it turns. Where the camera looks straight up
    or down, roll turns about the vertical as heading does, and no angle about the third axis, which then has the
    variance of pitch. Without a heading, pitch and roll may turn about any horizontal axis, so that both have the
    larger variance.
    """
    heading, pitch, roll = torch.tensor(sigmas_deg, dtype=torch.float64).deg2rad()
    if heading.isinf():
        pitch = roll = torch.maximum(pitch, roll)
    axes = axes_of_angles(heading_deg, pitch_deg)  # (3, 3), a row for each angle
    # the third axis, of length 1 where the camera looks straight up or down, else shorter
    third = axes_of_angles(heading_deg, 0.0)[2] * (axes[2] @ axes[0])
    axes = torch.cat([axes, third[None]])
    sigmas = torch.stack([heading, pitch, roll, pitch])
    known = sigmas.isfinite()
    scaled = axes[known] * sigmas[known, None]
    return without(scaled.T @ scaled, (axes[~known].abs() > PARALLEL).any(dim=0))


def is_covariance(covariance: Tensor) -> bool:
    """Return whether the known part of a symmetric matrix (N, N) is positive definite, without zero or nan."""
    known = ~covariance.diagonal().isinf()
    return not bool(torch.linalg.cholesky_ex(covariance[known][:, known]).info)
