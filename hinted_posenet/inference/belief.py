"""What an image says by itself, with a calibrated covariance, and when a prior contradicts it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hinted_posenet.core.chi_square import chi_square_quantile
from hinted_posenet.core.covariance import information, offset
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.sigma_fit import BLOCKS, PARTS, widened

# A prior whose distance from what the image says has less than this probability, in position or in rotation,
# contradicts it.
CONTRADICTION = 0.005
CERTAIN = 0.99  # quantile of the sigmas of images that the covariance is fitted to
PRECISE = 0.01  # of the distance to the scene: a smaller sigma is always certain

# errors (N, 6), covariances (N, 6, 6) and ones (N, 6) -> weights of `widened`
FitWeights = Callable[[Tensor, Tensor, Tensor], Tensor]
Stated = tuple[
    Tensor, Tensor
]  # errors (N, 6), and the covariances (N, 6, 6) that were stated with them


class CalibratedBelief(nn.Module):
    """How far to trust what images state: measured on validation images and on training images, left out."""

    weights: Tensor  # (parts, 2), see `widened`: of the stated covariance, and of a constant metre and radian
    # () sigma of the position that 99 % of the images do not exceed, or more if those are very precise
    certain_t_m: Tensor
    probe_error: Tensor  # (P, 6) of training images that are located as if they were new
    probe_covariance: Tensor  # (P, 6, 6) as they state it

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor([1.0, 0.0]).repeat(len(PARTS), 1))
        self.register_buffer("certain_t_m", torch.tensor(torch.inf))
        self.register_buffer("probe_error", torch.empty(0, 6))
        self.register_buffer("probe_covariance", torch.empty(0, 6, 6))

    def calibrated(self, stated: Tensor) -> Tensor:
        """Return calibrated covariances (N, 6, 6) of those that images state."""
        return weighed(stated, self.weights)

    def fit_weights_to(self, seen: Stated, left_out: Stated, fit: FitWeights) -> Tensor:
        """Fit the weights to validation images and to probes; without any, nothing is changed.

        Returns the stated covariances of all of them.
        """
        error = torch.cat([seen[0], left_out[0].to(seen[0])])
        stated = torch.cat([seen[1], left_out[1].to(seen[1])])
        if len(error):
            weights = fit(error, stated, torch.ones_like(error))
            if len(left_out[0]):  # an easy validation split does not hide what these show
                weights = weights.maximum(fit(*left_out, torch.ones_like(left_out[0])))
            self.weights.copy_(weights)
        return stated

    def set_certain(self, covariance: Tensor, distance_m: Tensor) -> None:
        """Measure which answers are certain, from covariances (N, 6, 6) and the distance () to the scene."""
        sigma_t_m = covariance.diagonal(dim1=1, dim2=2)[:, :3].mean(dim=1).sqrt().quantile(CERTAIN)
        self.certain_t_m.copy_(sigma_t_m.clamp_min(PRECISE * float(distance_m)))


def weighed(stated: Tensor, weights: Tensor) -> Tensor:
    """Return covariances (N, 6, 6) by weights (parts, 2) of the stated ones and of a constant metre and radian."""
    weights = weights.to(stated).expand(len(stated), -1, -1)
    return widened(stated, torch.ones_like(stated[:, 0]), weights)


def contradicts(belief: Hint, prior: Hint) -> bool:
    """Return whether a prior () is too far from a belief () to be of the same pose, by what both state."""
    off = offset(belief.pose, prior.pose)
    for block in BLOCKS:
        known = prior.variance[block].isfinite()
        if block == BLOCKS[1] and not known.all():
            continue  # a rotation about some axes only has no distance of its own
        weight = information(belief.covariance[block, block] + prior.covariance[block, block])
        distance = float(off[block] @ weight @ off[block])
        if known.any() and distance > chi_square_quantile(1 - CONTRADICTION, int(known.sum())):
            return True
    return False


def row_of(hint: Hint, row: int) -> Hint:
    """Return one of hints (B,) in float64 on the CPU."""
    pose = Pose(*(part[row].double().cpu() for part in hint.pose))
    return Hint(pose, hint.covariance[row].double().cpu())
