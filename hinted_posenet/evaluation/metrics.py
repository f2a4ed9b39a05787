"""Pose errors over a whole split, trajectory errors, and the numbers that summarize them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert, quaternion_product, rotate, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.frames_file import Floats

Thresholds = Sequence[tuple[float, float]]  # (metres, degrees)
PERCENTILES = (75, 90, 95)


def pose_errors(predicted: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Position error (N,) in metres and rotation error (N,) in degrees; an answer that is not finite is inf."""
    error_t_m = (predicted.t - truth.t).norm(dim=-1)
    error_r_deg = rotation_angle(predicted.q, truth.q).rad2deg()
    failed = ~(error_t_m.isfinite() & error_r_deg.isfinite())
    return error_t_m.masked_fill(failed, torch.inf), error_r_deg.masked_fill(failed, torch.inf)


def summary(error_t_m: Tensor, error_r_deg: Tensor, thresholds: Thresholds) -> dict[str, float]:
    """What results.json says of errors (N,), of which some may be inf.

    Median, mean, RMSE, percentiles and maximum of both; recall at (metres, degrees) thresholds, which counts
    what equals them; the area under the recall curve of either error, from 0 to the largest threshold, as a
    share of what a perfect method has.
    """
    row: dict[str, float] = {"frames": len(error_t_m)}
    for name, error in (("t_m", error_t_m.double()), ("r_deg", error_r_deg.double())):
        row[f"median_{name}"] = quantile(error, 0.5)
        row[f"mean_{name}"] = error.mean().item()
        row[f"rmse_{name}"] = error.square().mean().sqrt().item()
        row |= {f"p{percent}_{name}": quantile(error, percent / 100) for percent in PERCENTILES}
        row[f"max_{name}"] = error.max().item()
    for metres, degrees in thresholds:
        within = (error_t_m <= metres) & (error_r_deg <= degrees)
        row[f"recall_{metres:g}m_{degrees:g}deg"] = within.double().mean().item()
    if thresholds:
        metres, degrees = (max(bounds) for bounds in zip(*thresholds, strict=True))
        row[f"auc_{metres:g}m"] = recall_area(error_t_m, metres)
        row[f"auc_{degrees:g}deg"] = recall_area(error_r_deg, degrees)
    return row


def aerial_summary(
    predicted: Pose, truth: Pose, altitude_m: Tensor, footprint_m: Tensor
) -> dict[str, float]:
    """Medians of the horizontal and the vertical error, and of the position error in percent.

    Args:
        predicted: (N,), in a world whose z axis points up.
        truth: (N,).
        altitude_m: (N,) of the true camera above the ground.
        footprint_m: (N,) longer side of the image on the ground.
    """
    error_t_m, _ = pose_errors(predicted, truth)
    failed = error_t_m.isinf()
    off_m = (predicted.t - truth.t).double()
    errors = {
        "horizontal_m": off_m[:, :2].norm(dim=-1),
        "vertical_m": off_m[:, 2].abs(),
        "t_altitude_percent": 100 * error_t_m / altitude_m,
        "t_footprint_percent": 100 * error_t_m / footprint_m,
    }
    return {
        f"median_{name}": quantile(error.double().masked_fill(failed, torch.inf), 0.5)
        for name, error in errors.items()
    }


def recall_area(error: Tensor, bound: float) -> float:
    """Mean recall over all thresholds from 0 to ``bound``, of errors (N,): exact, not sampled."""
    return (1 - error.double() / bound).clamp_min(0).mean().item()


def quantile(error: Tensor, q: float) -> float:
    """Linear quantile of (N,) errors of which some may be inf (where torch's interpolation gives NaN)."""
    value = error.quantile(q).item()
    return math.inf if math.isnan(value) else value


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


class Recall(NamedTuple):
    """Thresholds of both errors; what equals them counts."""

    key: str  # of a row of results.json: recall_0.05m_5deg
    metres: float
    degrees: float

    @property
    def title(self) -> str:
        """≤ 5 cm, 5°."""
        size = f"{100 * self.metres:g} cm" if self.metres < 1 else f"{self.metres:g} m"
        return f"≤ {size}, {self.degrees:g}°"

    def share(self, error_t_m: Floats, error_r_deg: Floats) -> float:
        """Of errors (seeds, N) that are within both."""
        return float(((error_t_m <= self.metres) & (error_r_deg <= self.degrees)).mean())


def recalls_of(results: dict[str, Any]) -> list[Recall]:
    """Those that a run was scored with."""
    keys = [key for key in results["rows"][0] if key.startswith("recall_")]
    bounds = (key.removeprefix("recall_").removesuffix("deg").split("m_") for key in keys)
    return [
        Recall(key, float(metres), float(degrees))
        for key, (metres, degrees) in zip(keys, bounds, strict=True)
    ]
