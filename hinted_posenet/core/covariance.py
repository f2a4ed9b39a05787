"""Gaussian beliefs about poses: information of a covariance with missing parts, and Bayes' rule.

Covariances (*, 6, 6) are those of `Hint`. All is computed in float64, since metres and radians, and a sharp hint
beside a vague one, differ by many orders of magnitude.
"""

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_log,
    quaternion_product,
    world_rotvec,
)
from hinted_posenet.core.types import Hint, Modes, Pose


def information(covariance: Tensor) -> Tensor:
    """Invert covariances (*, n, n) of which some variances are infinite: there the information is 0."""
    known = covariance.diagonal(dim1=-2, dim2=-1).isfinite()
    inverse: Tensor = torch.linalg.inv(_where_known(covariance.double(), known))
    both = known.unsqueeze(-1) & known.unsqueeze(-2)
    return inverse.where(both, 0.0).to(covariance)


def world_covariance(camera_side: Tensor, q: Tensor) -> Tensor:
    """Turn covariances (*, 6, 6) with rotations about the axes of cameras (*, 4) into those of `Hint`."""
    J = _rotation_block(q)
    return J @ camera_side @ J.mT


def camera_information(covariance: Tensor, q: Tensor) -> Tensor:
    """Invert covariances (*, 6, 6) of `Hint`, for rotations about the axes of cameras (*, 4)."""
    J = _rotation_block(q)
    return J.mT @ information(covariance) @ J


def offset(a: Pose, b: Pose) -> Tensor:
    """Return the motion (*, 6) from poses a to b: metres, then radians about the world's axes."""
    return torch.cat([b.t - a.t, world_rotvec(a.q, b.q)], dim=-1)


def offset_where_known(pose: Pose, evidence: Hint) -> Tensor:
    """Return the motion (*, 6) float64 from poses to those of evidence, and 0 in parts that it does not know."""
    known = evidence.variance.isfinite()
    turn = _turn(pose.q.double(), evidence.pose.q.double(), known[..., 3:])
    return torch.cat([evidence.pose.t.double() - pose.t.double(), turn], dim=-1) * known


def moved(pose: Pose, motion: Tensor) -> Pose:
    """Move poses (*,) by motions (*, 6), the inverse of `offset`."""
    q = quaternion_product(quaternion_exp(motion[..., 3:]), pose.q)
    return Pose(pose.t + motion[..., :3], normalize(q, dim=-1))


def given(belief: Hint, evidence: Hint) -> tuple[Hint, Tensor]:
    """Update beliefs (*,), known in all parts, by independent evidence (*,), which may miss some.

    Returns:
        The posterior, and the log likelihood (*,) of the evidence, up to a constant. Evidence without any known
        part changes nothing and has a log likelihood of 0.
    """
    known = evidence.variance.isfinite()
    both = known.unsqueeze(-1) & known.unsqueeze(-2)
    prior, noise = belief.covariance.double(), torch.where(both, evidence.covariance.double(), 0.0)
    off = offset_where_known(belief.pose, evidence)
    factor = torch.linalg.cholesky(_where_known(prior + noise, known))
    solved = torch.cholesky_solve(off.unsqueeze(-1), factor)
    gain = torch.cholesky_solve(known.unsqueeze(-1) * prior, factor).mT
    # Joseph's form, which stays positive where the hint is far sharper than the belief
    left = torch.eye(6, dtype=gain.dtype, device=gain.device) - gain
    posterior = left @ prior @ left.mT + gain @ noise @ gain.mT
    log_likelihood = -0.5 * (off * solved.squeeze(-1)).sum(dim=-1)
    log_likelihood = log_likelihood - factor.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    move = (gain @ off.unsqueeze(-1)).squeeze(-1).to(belief.pose.t)
    posed = belief._replace(
        pose=moved(belief.pose, move), covariance=posterior.to(belief.covariance)
    )
    return posed, log_likelihood.to(belief.pose.t)


def modes_given(modes: Modes, evidence: Hint) -> Modes:
    """Update modes (B, K) by independent evidence (B,): each as in `given`, weighted by its likelihood."""
    t, q = (part.unsqueeze(1) for part in evidence.pose)
    alike = Hint(Pose(t, q), evidence.covariance.unsqueeze(1))
    posterior, fit = given(Hint(modes.pose, modes.covariance), alike)
    log_weight = (modes.log_weight + fit).log_softmax(dim=1)
    return Modes(log_weight, posterior.pose, posterior.covariance)


def _turn(a: Tensor, b: Tensor, known: Tensor) -> Tensor:
    """Return rotation vectors (*, 3) about the world's axes from a (*, 4) to b, known about some axes (*, 3).

    Where one axis is unknown, or one alone is known, the rotation is split into a twist about that axis and a
    swing: a level with an unknown heading then states the same tilt, whatever heading stands in its place.
    """
    relative = quaternion_product(b, quaternion_inverse(a))
    one = known.sum(dim=-1, keepdim=True) == 1
    axis = torch.where(one, known, ~known).double()
    along = (axis * relative[..., 1:]).sum(dim=-1, keepdim=True)
    angle = 2.0 * torch.atan2(along, relative[..., :1])
    angle = torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi
    swing = quaternion_product(quaternion_exp(-angle * axis), relative)
    split = quaternion_log(swing) * (1 - axis) + angle * axis
    whole = known.all(dim=-1, keepdim=True) | ~known.any(dim=-1, keepdim=True)
    return torch.where(whole, quaternion_log(relative), split)


def _where_known(matrix: Tensor, known: Tensor) -> Tensor:
    """Put rows and columns of the identity where ``known`` (*, n) is false."""
    both = known.unsqueeze(-1) & known.unsqueeze(-2)
    return matrix.where(both, torch.eye(known.shape[-1], dtype=matrix.dtype, device=matrix.device))


def _rotation_block(q: Tensor) -> Tensor:
    """Return (*, 6, 6): metres as they are, rotations from the camera's axes to the world's."""
    J = torch.eye(6, dtype=q.dtype, device=q.device).repeat(*q.shape[:-1], 1, 1)
    J[..., 3:, 3:] = quaternion_to_rotation_matrix(q)
    return J
