"""What an image says by itself, out of an answer that may contain its hint.

Nothing is counted twice: the filter has the hint already. Registration to a map states the image's part itself.
Landmarks answer with the posterior of the hint and the image, so that the image's part follows by taking the hint
away. Answers to no hint, or to one that was left out, are the image's part as they are.
"""

import math

import torch
from torch import Tensor

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.types import Hint
from hinted_posenet.inference.estimate import Estimate

TOLD = 0.01  # of the hint's information: what adds less says nothing
WITH_HINT = "given"
LEAST = 1e-6  # eigenvalue of a correlation matrix; answers are computed in single precision


def evidence_of(estimate: Estimate, hint: Hint | None) -> Hint | None:
    """Return what an image says by itself (), float64; None where it says nothing.

    ``hint`` () is what was given, known in all parts, or None.
    """
    if estimate.status == "outside the map":
        return None
    if estimate.image is not None:
        return estimate.image._replace(covariance=sound(estimate.image.covariance))
    answer = Hint(estimate.pose, sound(estimate.covariance))
    if hint is None or estimate.hint != WITH_HINT:
        return answer
    if not (estimate.landmarks or estimate.fits_map):
        return None  # the answer is the hint
    return without_hint(answer, hint)


def without_hint(posterior: Hint, hint: Hint) -> Hint:
    """Take a hint () out of a posterior (): by Bayes' rule, information is the sum of both.

    In directions in which the image says less than a hundredth of the hint, the hint stays as a vague mean.
    """
    root = torch.linalg.cholesky(hint.covariance)
    gain, axes = torch.linalg.eigh(root.T @ torch.linalg.inv(posterior.covariance) @ root)
    basis = root @ axes  # in whose coordinates the hint's covariance is the identity
    off = torch.linalg.solve(basis, offset(hint.pose, posterior.pose))
    told = (gain - 1).clamp_min(TOLD)
    off = torch.where(gain - 1 > TOLD, off * gain / told, 0.0)
    covariance = basis @ (1 / told).diag() @ basis.T
    return Hint(moved(hint.pose, basis @ off), 0.5 * (covariance + covariance.T))


def likeliest_mode(evidence: Hint, estimate: Estimate, expected: Hint) -> Hint:
    """Return the place among those that an image may show which is the likeliest at an expected pose ().

    The first place is the answer, with its own covariance, as in ``evidence``.
    """
    if len(estimate.modes) < 2:
        return evidence
    places = [(estimate.modes[0].weight, evidence)]
    places += [(one.weight, Hint(one.pose, sound(one.covariance))) for one in estimate.modes[1:]]
    return max(places, key=lambda place: _log_likelihood(place[0], place[1], expected))[1]


def sound(covariance: Tensor) -> Tensor:
    """Return a covariance (6, 6) in float64 without the negative eigenvalues that rounding leaves."""
    sigma = covariance.double().diagonal().sqrt()
    scale = sigma.unsqueeze(0) * sigma.unsqueeze(1)
    values, axes = torch.linalg.eigh(0.5 * (covariance + covariance.T).double() / scale)
    whole: Tensor = scale * (axes @ values.clamp_min(LEAST).diag() @ axes.T)
    return whole


def has_inverse(hint: Hint) -> bool:
    """Return whether the known part of a covariance () is positive definite."""
    known = hint.variance.isfinite()
    return not bool(torch.linalg.cholesky_ex(hint.covariance[known][:, known]).info)


def _log_likelihood(weight: float, place: Hint, expected: Hint) -> float:
    """Return the log of the weight times the density at the expected pose, up to a constant."""
    off = offset(expected.pose, place.pose)
    spread = place.covariance + expected.covariance
    surprise = off @ torch.linalg.solve(spread, off)
    return math.log(weight) - 0.5 * float(surprise + torch.logdet(spread))
