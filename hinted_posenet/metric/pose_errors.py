"""Pose errors over a whole split, and the numbers that sum them up."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hinted_posenet.geometry import rotation_angle
from hinted_posenet.types import Pose

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
