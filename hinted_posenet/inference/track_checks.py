"""What a tracker accepts of sensors and images: the gate, and readings that no sensor can have."""

from functools import cache

import torch
from torch import Tensor

from hinted_posenet.core.chi_square import chi_square_quantile
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.priors.check import impossible
from hinted_posenet.data.query_camera import AnyK, QueryCamera, given_camera
from hinted_posenet.inference.image_evidence import has_inverse

GATE = 0.999  # of the measurements of a right belief are within the gate


@cache
def within_gate(parts: int) -> float:
    """Return the squared Mahalanobis distance that a measurement of so many numbers may have."""
    return float(chi_square_quantile(GATE, parts))


def camera_of(K: AnyK | QueryCamera | None) -> QueryCamera | None:
    """Return a camera that may be given as a K; None where there is none."""
    return K if isinstance(K, QueryCamera) else given_camera(K)


def same_camera(one: QueryCamera | None, other: QueryCamera | None) -> bool:
    """Return whether two cameras are stated alike."""
    if one is None or other is None or one.lens is None or other.lens is None:
        return one == other
    alike = one.lens.distortion == other.lens.distortion and one.size == other.size
    return alike and torch.equal(one.lens.K, other.lens.K)


def checked_prior(prior: Hint | None, notes: list[str]) -> Hint | None:
    """Return a prior () in float64; None if it says nothing, or what no sensor can have measured."""
    if prior is None or prior.variance.isinf().all():
        return None
    prior = Hint(Pose(prior.pose.t.double(), prior.pose.q.double()), prior.covariance.double())
    why = impossible(prior) or ("has no covariance" if not has_inverse(prior) else None)
    if why:
        notes.append(f"its prior {why}: left out")
        return None
    return prior


def usable_motion(motion: Pose, covariance: Tensor | None) -> bool:
    """Return whether a motion () is finite and its covariance (6, 6) has no negative variance."""
    if not torch.cat([motion.t, motion.q]).isfinite().all():
        return False
    if covariance is None:
        return True
    if covariance.shape != (6, 6) or not covariance.isfinite().all():
        return False
    return bool(torch.linalg.eigvalsh(covariance.double())[0] >= -1e-9 * covariance.abs().max())
