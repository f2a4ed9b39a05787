"""Errors of a trajectory as a whole, as visual odometry and SLAM are judged by; `evo` gives the same numbers."""

import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.geometry import invert, quaternion_product, rotate
from hinted_posenet.metric.pose_errors import pose_errors
from hinted_posenet.types import InputError, Pose


def trajectory_errors(predicted: Pose, truth: Pose) -> dict[str, float]:
    """Absolute and relative errors of consecutive poses (N,), in float64.

    ``ate_rmse_m``: RMSE of the positions once the trajectory was moved as a rigid body onto the true one (Sturm
    et al., 2012). ``rpe_rmse_m`` and ``rpe_rmse_deg``: RMSE of the motion from one frame to the next. Frames
    without an answer make all of them infinite.
    """
    if not torch.cat(predicted, dim=1).isfinite().all():
        return dict.fromkeys(("ate_rmse_m", "rpe_rmse_m", "rpe_rmse_deg"), torch.inf)
    moved = align(predicted, truth, "rigid")
    ate_m, _ = pose_errors(moved, truth)
    step_m, step_deg = pose_errors(_steps(predicted), _steps(truth))
    return {
        "ate_rmse_m": _rmse(ate_m),
        "rpe_rmse_m": _rmse(step_m),
        "rpe_rmse_deg": _rmse(step_deg),
    }


def align(predicted: Pose, truth: Pose, how: str) -> Pose:
    """Poses (N,) moved by the one motion that brings their positions nearest to the true ones (Umeyama, 1991).

    Args:
        predicted: float64; those that are not finite are left out of the fit.
        truth: (N,) float64.
        how: none, rigid, or similarity, which scales too.
    """
    if how == "none":
        return predicted
    known = torch.cat(predicted, dim=1).isfinite().all(dim=1)
    a, b = predicted.t[known], truth.t[known]
    if len(a) < 3:
        raise InputError(f"--align {how}: needs at least 3 answers, found {len(a)}")
    a_mean, b_mean = a.mean(dim=0), b.mean(dim=0)
    U, S, Vt = torch.linalg.svd((b - b_mean).T @ (a - a_mean) / len(a))
    sign = torch.ones(3, dtype=a.dtype)
    sign[2] = torch.sign(torch.linalg.det(U) * torch.linalg.det(Vt))
    R = U @ (sign[:, None] * Vt)
    variance = (a - a_mean).square().sum(dim=1).mean()
    scale = (S * sign).sum() / variance if how == "similarity" else a.new_ones(())
    q = normalize(rotation_matrix_to_quaternion(R), dim=0).expand_as(predicted.q)
    t = scale * rotate(q, predicted.t - a_mean) + b_mean
    return Pose(t, quaternion_product(q, predicted.q))


def _steps(pose: Pose) -> Pose:
    """Motion (N - 1,) from each camera to the next, in the first one's axes."""
    t, q = invert(pose.t[:-1], pose.q[:-1])
    return Pose(rotate(q, pose.t[1:]) + t, quaternion_product(q, pose.q[1:]))


def _rmse(error: Tensor) -> float:
    return error.square().mean().sqrt().item()
