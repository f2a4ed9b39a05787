"""The filter behind `Tracker`: where a camera is, how it moves, and which error its last images share.

The state has three parts of 6: the error of the pose, as in `Hint`; the velocity along and about the world's axes;
and the shared error. Errors of successive images are alike, since they see the same place: of the variance of
what an image says, a share is the same in the next image, and is forgotten as the camera moves on and turns away.
So a camera that stands still learns little from its second image. The shared error is a first-order Gauss-Markov
process in units of the standard deviations that images state, and is estimated together with the pose.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.covariance import moved, offset, offset_where_known
from hinted_posenet.core.geometry import quaternion_log, quaternion_product, rotate
from hinted_posenet.core.types import Hint, Pose

POSE, VELOCITY, SHARED = slice(0, 6), slice(6, 12), slice(12, 18)
VAGUE = 1e4  # times the variance of the first image: what is known before it
TURN_AS_METRE_DEG = 10.0  # odometry that turns by it drifts as much as over a metre


@dataclass(frozen=True)
class MotionModel:
    """What is known of how the camera moves, one standard deviation each.

    Args:
        speed_m_s: along an axis, before anything is known of it.
        turn_deg_s: the same about an axis.
        acceleration_m_s2: change of the speed in a second; its square root law holds for other times.
        turn_acceleration_deg_s2: the same of the turn.
        drift_m: error of odometry along an axis after one metre, which grows with the root of the distance.
        drift_deg: the same about an axis, after one metre or a turn of 10 degrees.
    """

    speed_m_s: float = 10.0
    turn_deg_s: float = 60.0
    acceleration_m_s2: float = 2.0
    turn_acceleration_deg_s2: float = 60.0
    drift_m: float = 0.05
    drift_deg: float = 0.1


class SharedError(NamedTuple):
    """How alike the errors of successive images are: by ``share`` at one place, and by 1/e of it farther on."""

    over_m: float
    over_deg: float = 10.0
    share: float = 0.7

    def kept(self, step: Tensor) -> float:
        """Return the part of the shared error that is left after a motion (6,)."""
        turned_deg = math.degrees(float(step[3:].norm()))
        return math.exp(-float(step[:3].norm()) / self.over_m - turned_deg / self.over_deg)


class Belief(NamedTuple):
    """Where the camera is, () float64."""

    pose: Pose  # T_world_cam
    rest: Tensor  # (12,) velocity in m/s and rad/s, and shared error
    covariance: Tensor  # (18, 18)
    transition: Tensor | None = None  # (18, 18) from the frame before, of a prediction

    @property
    def hint(self) -> Hint:
        """The pose with its covariance."""
        return Hint(self.pose, self.covariance[POSE, POSE])


class Updated(NamedTuple):
    """What a measurement made of a belief."""

    belief: Belief
    distance2: float  # squared Mahalanobis distance of the measurement from what was expected
    parts: int  # how many numbers were measured


def begun(image: Hint, model: MotionModel, shared: SharedError) -> Belief:
    """Return the belief after a first image, which said where the camera is."""
    covariance = torch.eye(18, dtype=torch.float64)
    covariance[POSE, POSE] = VAGUE * image.covariance
    speed = _per_axis(model.speed_m_s, math.radians(model.turn_deg_s))
    covariance[VELOCITY, VELOCITY] = speed.square().diag()
    vague = Belief(image.pose, torch.zeros(12, dtype=torch.float64), covariance)
    return with_image(vague, image, shared).belief


def coasted(belief: Belief, elapsed_s: float, model: MotionModel, shared: SharedError) -> Belief:
    """Move a belief on at its velocity, which white noise changes."""
    step = belief.rest[:6] * elapsed_s
    F = torch.eye(18, dtype=torch.float64)
    F[POSE, VELOCITY] = elapsed_s * torch.eye(6, dtype=torch.float64)
    change = _per_axis(model.acceleration_m_s2, math.radians(model.turn_acceleration_deg_s2))
    noise = change.square().diag()
    Q = torch.zeros(18, 18, dtype=torch.float64)
    Q[POSE, POSE] = elapsed_s**3 / 3 * noise
    Q[POSE, VELOCITY] = Q[VELOCITY, POSE] = elapsed_s**2 / 2 * noise
    Q[VELOCITY, VELOCITY] = elapsed_s * noise
    return _carried(belief, moved(belief.pose, step), F, Q, shared.kept(step), belief.rest[:6])


def carried_by(
    belief: Belief,
    motion: Pose,
    noise: Tensor | None,
    elapsed_s: float,
    model: MotionModel,
    shared: SharedError,
) -> Belief:
    """Move a belief by odometry: T_before_now () and its covariance (6, 6) along the axes of the camera before.

    Without a covariance it is that of `MotionModel`. The velocity is then that of the odometry.
    """
    q = belief.pose.q
    shift = rotate(q, motion.t)
    pose = Pose(belief.pose.t + shift, quaternion_product(q, motion.q))
    step = torch.cat([shift, rotate(q, quaternion_log(motion.q))])
    turned = rotate(q, torch.eye(3, dtype=torch.float64)).T.contiguous()
    axes = torch.kron(torch.eye(2, dtype=torch.float64), turned)  # a block each
    noise = drift(step, model) if noise is None else axes @ noise @ axes.T
    F = torch.eye(18, dtype=torch.float64)
    F[:3, 3:6] = -_cross(shift)  # an error of the rotation turns the way that was gone
    F[VELOCITY, VELOCITY] = 0.0
    Q = torch.zeros(18, 18, dtype=torch.float64)
    Q[POSE, POSE] = noise
    change = _per_axis(model.acceleration_m_s2, math.radians(model.turn_acceleration_deg_s2))
    Q[VELOCITY, VELOCITY] = noise / elapsed_s**2 + elapsed_s * change.square().diag()
    return _carried(belief, moved(pose, torch.zeros(6)), F, Q, shared.kept(step), step / elapsed_s)


def drift(step: Tensor, model: MotionModel) -> Tensor:
    """Return the covariance (6, 6) that odometry adds in a motion (6,), where it states none."""
    length_m = float(step[:3].norm())
    turned = math.degrees(float(step[3:].norm())) / TURN_AS_METRE_DEG
    variance_m2 = model.drift_m**2 * (length_m + turned)
    variance_rad2 = math.radians(model.drift_deg) ** 2 * (length_m + turned)
    return _per_axis(variance_m2, variance_rad2).diag()


def with_prior(belief: Belief, prior: Hint) -> Updated:
    """Update a belief by a sensor that is independent of all images, and may know only parts of the pose."""
    known = prior.variance.isfinite()
    H = torch.eye(18, dtype=torch.float64)[POSE][known]
    noise = prior.covariance.double()[known][:, known]
    return _updated(belief, H, offset_where_known(belief.pose, prior)[known], noise)


def with_image(belief: Belief, image: Hint, shared: SharedError) -> Updated:
    """Update a belief by what an image says by itself, whose error is in part that of the images before."""
    root = torch.linalg.cholesky(image.covariance)
    H = torch.zeros(6, 18, dtype=torch.float64)
    H[:, POSE] = torch.eye(6, dtype=torch.float64)
    H[:, SHARED] = math.sqrt(shared.share) * root
    residual = offset(belief.pose, image.pose) - H[:, SHARED] @ belief.rest[6:]
    return _updated(belief, H, residual, (1 - shared.share) * image.covariance)


def _carried(
    belief: Belief, pose: Pose, F: Tensor, Q: Tensor, kept: float, velocity: Tensor
) -> Belief:
    """Carry the covariance on, and forget a part of the shared error."""
    F[SHARED, SHARED] = kept * torch.eye(6, dtype=torch.float64)
    Q[SHARED, SHARED] = (1 - kept**2) * torch.eye(6, dtype=torch.float64)
    rest = torch.cat([velocity, kept * belief.rest[6:]])
    return Belief(pose, rest, _symmetric(F @ belief.covariance @ F.T + Q), F)


def _updated(belief: Belief, H: Tensor, residual: Tensor, noise: Tensor) -> Updated:
    """Update a belief by a linear measurement: rows H (n, 18), residual (n,), noise (n, n)."""
    C = belief.covariance
    factor = torch.linalg.cholesky(H @ C @ H.T + noise)
    gain = torch.cholesky_solve(H @ C, factor).T
    # Joseph's form, which stays positive where the measurement is far sharper than the belief
    left = torch.eye(18, dtype=torch.float64) - gain @ H
    posterior = _symmetric(left @ C @ left.T + gain @ noise @ gain.T)
    change = gain @ residual
    white = torch.linalg.solve_triangular(factor, residual.unsqueeze(1), upper=False)
    after = Belief(moved(belief.pose, change[:6]), belief.rest + change[6:], posterior)
    return Updated(after, float(white.square().sum()), len(residual))


def _per_axis(metres: float, radians: float) -> Tensor:
    return torch.tensor([metres] * 3 + [radians] * 3, dtype=torch.float64)


def _cross(v: Tensor) -> Tensor:
    """Return the matrix (3, 3) of the cross product with a vector (3,)."""
    matrix: Tensor = torch.linalg.cross(v.expand(3, 3), torch.eye(3, dtype=v.dtype))
    return matrix.T


def _symmetric(matrix: Tensor) -> Tensor:
    return 0.5 * (matrix + matrix.T)
