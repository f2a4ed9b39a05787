"""The similarity between two sets of points, by least squares and robustly (Umeyama, 1991)."""

from typing import NamedTuple

import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import quaternion_product, rotate
from hinted_posenet.core.types import Pose

TRIALS = (
    300  # of three points each; where half of the points are outliers, one in eight trials has none
)
SEED = 0
NORMAL = 1.4826  # standard deviation of normal errors over the median of their sizes
INLIER_SIGMAS = 3.0
REFITS = 5


class Similarity(NamedTuple):
    """The motion ``p -> scale R(q) p + t`` from one frame to another."""

    scale: Tensor  # (*,)
    q: Tensor  # (*, 4)
    t: Tensor  # (*, 3)

    def points(self, p: Tensor) -> Tensor:
        """Move points (*, 3)."""
        return self.scale[..., None] * rotate(self.q, p) + self.t

    def pose(self, pose: Pose) -> Pose:
        """Move poses (*,)."""
        q = quaternion_product(self.q.expand_as(pose.q), pose.q)
        return Pose(self.points(pose.t), q)


def fit_similarity(a: Tensor, b: Tensor, scaled: bool = True) -> Similarity:
    """Return the least-squares motion (*,) from points a (*, N, 3) to b (*, N, 3); ``scaled`` or rigid."""
    a_mean, b_mean = a.mean(dim=-2), b.mean(dim=-2)
    a_off, b_off = a - a_mean[..., None, :], b - b_mean[..., None, :]
    U, S, Vt = torch.linalg.svd(b_off.mT @ a_off / a.shape[-2])
    sign = torch.ones_like(S)
    sign[..., 2] = torch.sign(torch.linalg.det(U) * torch.linalg.det(Vt))
    q = normalize(rotation_matrix_to_quaternion(U @ (sign[..., :, None] * Vt)), dim=-1)
    variance = a_off.square().sum(dim=-1).mean(dim=-1)
    scale = (S * sign).sum(dim=-1) / variance if scaled else torch.ones_like(variance)
    return Similarity(scale, q, b_mean - scale[..., None] * rotate(q, a_mean))


def fit_robust_similarity(a: Tensor, b: Tensor) -> tuple[Similarity, Tensor]:
    """Return the similarity from points a (N, 3) to b (N, 3), N at least 3, and which points (N,) it rests on.

    Of many similarities through three points, the one with the least median of distances is refined by least
    squares on the points within three standard deviations, as that median has them. Up to half of the points
    may be anywhere. The same points give the same result.
    """
    generator = torch.Generator().manual_seed(SEED)
    draws = torch.rand(TRIALS, len(a), generator=generator).topk(3, dim=1).indices
    trials = fit_similarity(a[draws], b[draws])
    each = Similarity(*(part.unsqueeze(1) for part in trials))
    off = (each.points(a.expand(TRIALS, -1, -1)) - b).norm(dim=-1)  # (TRIALS, N)
    medians = off.quantile(0.5, dim=1).nan_to_num(nan=torch.inf)
    best = int(medians.argmin())
    fit = Similarity(*(part[best] for part in trials))
    inliers = _within(off[best], medians[best])
    for _ in range(REFITS):
        fit = fit_similarity(a[inliers], b[inliers])
        off_m = (fit.points(a) - b).norm(dim=-1)
        inliers = _within(off_m, off_m.quantile(0.5))
    return fit, inliers


def _within(off: Tensor, median: Tensor) -> Tensor:
    """Return which distances (N,) are within `INLIER_SIGMAS` of the median; half of them at least, and three."""
    enough = off.sort().values[min(2, len(off) - 1)]
    return off <= torch.maximum(INLIER_SIGMAS * NORMAL * median, enough)
