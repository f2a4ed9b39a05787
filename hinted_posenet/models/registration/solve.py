"""The most probable pose: measured displacements of the ground and a prior, by Gauss-Newton steps."""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from hinted_posenet.core.covariance import camera_information, world_covariance
from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose

FURTHER = 1.0  # at most, as windows see no farther than a cell or two


class Prior(NamedTuple):
    """What is known before looking at the image."""

    pose: Pose  # (B,)
    information: Tensor  # (B, 6, 6) metres along the world's axes, then radians about the camera's

    @classmethod
    def of(cls, hint: Hint) -> Self:
        """Return hints (B,), known in part or in full, as priors."""
        return cls(hint.pose, camera_information(hint.covariance, hint.pose.q))

    @property
    def covariance(self) -> Tensor:
        """Covariances (B, 6, 6) in the axes of the information."""
        inverse: Tensor = torch.linalg.inv(self.information.double())
        return inverse.to(self.information)

    def as_hint(self) -> Hint:
        """Return the prior (B,) in the axes of a `Hint`."""
        return Hint(self.pose, world_covariance(self.covariance, self.pose.q))


class Evidence(NamedTuple):
    """Displacements of the ground that were measured at n places."""

    J: Tensor  # (B, n, 2, 6) displacement by a motion, see `projection.ground_jacobian`
    A: Tensor  # (B, n, 3) information of the displacement as xx, xy, yy
    b: Tensor  # (B, n, 2) A times the displacement


def information_of(evidence: Evidence) -> tuple[Tensor, Tensor]:
    """Return the information (B, 6, 6) about the pose, and its product (B, 6) with the measured motion."""
    J, A, b = evidence
    Jx, Jy = J.unbind(dim=-2)
    xx, xy, yy = A.unsqueeze(-1).unbind(dim=-2)
    information = Jx.mT @ (xx * Jx + xy * Jy) + Jy.mT @ (xy * Jx + yy * Jy)
    pull = (Jx.mT @ b[..., :1] + Jy.mT @ b[..., 1:]).squeeze(-1)
    return information, pull


def solve_step(pose: Pose, evidence: Evidence, prior: Prior) -> tuple[Prior, Tensor]:
    """Solve for the maximum a posteriori poses (B,), to first order around ``pose``.

    Returns:
        The poses with their information, and the motions (B, 6) to them.
    """
    information, pull = information_of(evidence)
    turn = relative_rotvec(pose.q, prior.pose.q)
    off = torch.cat([prior.pose.t - pose.t, turn], dim=-1)
    information = information + prior.information
    pull = pull + (prior.information @ off.unsqueeze(-1)).squeeze(-1)
    step = torch.linalg.solve(information, pull)
    return Prior(moved(pose, step), information), step


def accelerated(motion: Tensor, last: Tensor, taken: Tensor, weight: Tensor) -> Tensor:
    """Return the motions (B, 6) to take after one of ``taken`` (B, 6), before which ``last`` was solved for.

    Windows see only a part of a displacement where ground and light have changed, so that Gauss-Newton steps are
    too short by a factor that two of them show. Anderson, J. ACM 12 (1965), with one step of memory, in the
    metric of ``weight`` (B, 6, 6).
    """
    change = (motion - last).unsqueeze(-1)
    weighed = change.mT @ weight
    along = (weighed @ motion.unsqueeze(-1)) / (weighed @ change).clamp_min(1e-12)
    return motion - along.squeeze(-1).clamp(-FURTHER, 0.5) * (taken + change.squeeze(-1))


def disagreement(evidence: Evidence, step: Tensor, side: int) -> Tensor:
    """Return the covariance (B, 6, 6) of the pull after a motion (B, 6), by how its parts disagree.

    Evidence is of windows in rows and columns, whose errors are alike where they are near, so those of ``side`` x
    ``side`` windows count as one. Cluster-robust: Liang and Zeger, Biometrika 73 (1986).
    """
    J, A, b = evidence
    left = b - symmetric_product(A, (J @ step[:, None, :, None]).squeeze(-1))
    pulls = (J.mT @ left.unsqueeze(-1)).squeeze(-1)  # (B, n, 6)
    batch, rows = len(J), math.isqrt(pulls.shape[1])
    edge = -rows % side
    grid = pad(pulls.mT.reshape(batch, 6, rows, rows), (0, edge, 0, edge)).double()
    parts = (rows + edge) // side
    sums = grid.view(batch, 6, parts, side, parts, side).sum(dim=(3, 5)).flatten(2)
    shared: Tensor = sums @ sums.mT
    return shared


def moved(pose: Pose, step: Tensor) -> Pose:
    """Move poses (B,) by (B, 6): metres along the world's axes, then radians about the camera's."""
    return Pose(pose.t + step[:, :3], normalize(compose_rotvec(pose.q, step[:, 3:]), dim=-1))


def symmetric_product(A: Tensor, v: Tensor) -> Tensor:
    """Multiply symmetric matrices (*, 3), given as xx, xy, yy, by vectors (*, 2)."""
    (xx, xy, yy), (x, y) = A.unbind(-1), v.unbind(-1)
    return torch.stack([xx * x + xy * y, xy * x + yy * y], dim=-1)
