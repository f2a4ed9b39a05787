"""Sigma from errors seen on labelled poses."""

import math

from torch import Tensor

from hinted_posenet.geometry import rotation_angle
from hinted_posenet.types import Pose

# The norm of a 3-vector of unit normal components has this median (chi distribution, 3 degrees of
# freedom).
CHI3_MEDIAN = 1.5382


def robust_sigma(estimate: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Per-axis standard errors of poses (N,) from their median error: metres (), radians ().

    The median, because a few gross errors (a wrong retrieval) should not make the rest look bad.
    """
    error_t = (estimate.t - truth.t).norm(dim=-1)
    error_r = rotation_angle(estimate.q, truth.q)
    return (
        (error_t.quantile(0.5) / CHI3_MEDIAN).clamp_min(1e-3),
        (error_r.quantile(0.5) / CHI3_MEDIAN).clamp(math.radians(0.1), math.pi),
    )
