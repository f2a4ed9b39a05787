"""Pose errors over a whole split, trajectory errors, and the numbers that summarize them."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.alignment import fit_similarity
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import short_length
from hinted_posenet.core.geometry import invert, quaternion_product, rotate, rotation_angle
from hinted_posenet.core.types import Modes, Pose
from hinted_posenet.evaluation.frames_file import Floats

Thresholds = Sequence[tuple[float, float]]  # (metres, degrees)
PERCENTILES = (75, 90, 95)


def pose_errors(predicted: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Return errors (N,) in metres and degrees; both are inf where an answer is not finite."""
    error_t_m = (predicted.t - truth.t).norm(dim=-1)
    error_r_deg = rotation_angle(predicted.q, truth.q).rad2deg()
    failed = ~(error_t_m.isfinite() & error_r_deg.isfinite())
    return error_t_m.masked_fill(failed, torch.inf), error_r_deg.masked_fill(failed, torch.inf)


def summary(error_t_m: Tensor, error_r_deg: Tensor, thresholds: Thresholds) -> dict[str, float]:
    """Return the metrics of results.json for errors (N,), of which some may be inf.

    These are median, mean, RMSE, percentiles and maximum of both errors; recall at (metres, degrees)
    thresholds, inclusive; and the area under the recall curve of either error from 0 to the largest
    threshold, as a share of that of a perfect method.
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


def recall_of_modes(modes: Modes, truth: Pose, thresholds: Thresholds) -> dict[str, float]:
    """Return the shares of frames (N,) of which any of the modes (N, K) is within both thresholds."""
    error_t_m, error_r_deg = pose_errors(modes.pose, Pose(*(part.unsqueeze(1) for part in truth)))
    shares = {}
    for metres, degrees in thresholds:
        within = ((error_t_m <= metres) & (error_r_deg <= degrees)).any(dim=1)
        key = modes_key(f"recall_{metres:g}m_{degrees:g}deg", error_t_m.shape[1])
        shares[key] = within.double().mean().item()
    return shares


def modes_key(recall: str, count: int) -> str:
    """Return the key of a recall in results.json that counts any of the first modes."""
    return f"{recall}_of_{count}_modes"


def aerial_summary(
    predicted: Pose, truth: Pose, altitude_m: Tensor, footprint_m: Tensor
) -> dict[str, float]:
    """Return medians of the horizontal and vertical errors, and of the position error in percent.

    Poses are (N,) in a world whose z axis points up; altitude (N,) of the true camera above the ground, and
    footprint (N,), the longer side of the image on the ground, are what the percentages refer to.
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
    """Return the exact mean recall of errors (N,) over all thresholds from 0 to ``bound``."""
    return (1 - error.double() / bound).clamp_min(0).mean().item()


def quantile(error: Tensor, q: float) -> float:
    """Return the linear quantile of errors (N,), inf where torch would interpolate between infs to NaN."""
    value = error.quantile(q).item()
    return math.inf if math.isnan(value) else value


def trajectory_errors(predicted: Pose, truth: Pose) -> dict[str, float]:
    """Return absolute and relative errors of consecutive poses (N,), in float64.

    ``ate_rmse_m`` is the RMSE of the positions after rigid alignment to the true trajectory (Sturm et al.,
    2012); ``rpe_rmse_m`` and ``rpe_rmse_deg`` are the RMSE of the motion from one frame to the next. Frames
    without an answer are failures, and make all of them infinite. Beside them stand those of the frames that are
    answered, ``ate_rmse_m_of_answered`` and so on, infinite for less than 3, and the counts of both.
    """
    known = torch.cat(predicted, dim=1).isfinite().all(dim=1)
    answered, count = int(known.sum()), len(known)
    row: dict[str, float] = {"frames": count, "answered_frames": answered}
    found = dict.fromkeys(("ate_rmse_m", "rpe_rmse_m", "rpe_rmse_deg"), torch.inf)
    if answered >= 3:
        # from nearby, so that the same errors come out far from the origin
        origin = truth.t[known].mean(dim=0)
        ours, true = (Pose(t[known] - origin, q[known]) for t, q in (predicted, truth))
        ate_m, _ = pose_errors(align(ours, true, "rigid"), true)
        errors = (ate_m, *pose_errors(_steps(ours), _steps(true)))
        rmse = (error.square().mean().sqrt().item() for error in errors)
        found = dict(zip(found, rmse, strict=True))
    row |= found if answered == count else dict.fromkeys(found, torch.inf)
    return row | {f"{name}_of_answered": value for name, value in found.items()}


def align(predicted: Pose, truth: Pose, how: str) -> Pose:
    """Align poses (N,), in float64, to the true positions by one least-squares motion (Umeyama, 1991).

    ``how`` is none, rigid, or similarity, which also scales; poses that are not finite are left out of the fit.
    """
    if how == "none":
        return predicted
    known = torch.cat(predicted, dim=1).isfinite().all(dim=1)
    a, b = predicted.t[known], truth.t[known]
    if len(a) < 3:
        raise InputError(f"align={how}: needs at least 3 answers, found {len(a)}")
    return fit_similarity(a, b, scaled=how == "similarity").pose(predicted)


def _steps(pose: Pose) -> Pose:
    """Return the motion (N - 1,) from each camera to the next, in the axes of the first."""
    t, q = invert(pose.t[:-1], pose.q[:-1])
    return Pose(rotate(q, pose.t[1:]) + t, quaternion_product(q, pose.q[1:]))


class Recall(NamedTuple):
    """Thresholds of both errors, inclusive."""

    key: str  # of a row of results.json: recall_0.05m_5deg
    metres: float
    degrees: float

    @property
    def title(self) -> str:
        """≤ 5 cm, 5°."""
        return f"≤ {short_length(self.metres)}, {self.degrees:g}°"

    def share(self, error_t_m: Floats, error_r_deg: Floats) -> float:
        """Return the share of errors (seeds, N) within both thresholds."""
        return float(((error_t_m <= self.metres) & (error_r_deg <= self.degrees)).mean())


def recalls_of(results: dict[str, Any]) -> list[Recall]:
    """Return the thresholds that a run was scored with."""
    keys = (re.fullmatch(r"recall_(.*)m_(.*)deg", key) for key in results["rows"][0])
    return [Recall(key[0], float(key[1]), float(key[2])) for key in keys if key]
