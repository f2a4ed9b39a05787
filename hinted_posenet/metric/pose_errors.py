"""Pose errors over a whole split."""

import math

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from hinted_posenet.geometry import rotation_angle
from hinted_posenet.types import Pose


def pose_errors(predicted: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Position error (N,) in metres and rotation error (N,) in degrees; an answer that is not finite is inf."""
    error_t_m = (predicted.t - truth.t).norm(dim=-1)
    error_r_deg = rotation_angle(predicted.q, truth.q).rad2deg()
    failed = ~(error_t_m.isfinite() & error_r_deg.isfinite())
    return error_t_m.masked_fill(failed, torch.inf), error_r_deg.masked_fill(failed, torch.inf)


def summary(
    error_t_m: Tensor, error_r_deg: Tensor, thresholds: list[tuple[float, float]]
) -> dict[str, float]:
    """Median, mean, 95th percentile, and recall at (metres, degrees) thresholds, of errors (N,)."""
    row: dict[str, float] = {"frames": len(error_t_m)}
    for name, error in (("t_m", error_t_m.double()), ("r_deg", error_r_deg.double())):
        row[f"median_{name}"] = quantile(error, 0.5)
        row[f"mean_{name}"] = error.mean().item()
        row[f"p95_{name}"] = quantile(error, 0.95)
    for metres, degrees in thresholds:
        within = (error_t_m <= metres) & (error_r_deg <= degrees)
        row[f"recall_{metres:g}m_{degrees:g}deg"] = within.double().mean().item()
    return row


def quantile(error: Tensor, q: float) -> float:
    """Linear quantile of (N,) errors of which some may be inf (where torch's interpolation gives NaN)."""
    value = error.quantile(q).item()
    return math.inf if math.isnan(value) else value


class MedianPoseError(Metric):
    """Median position (m) and rotation (deg) error over all batches."""

    error_t_m: list[Tensor]
    error_r_deg: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("error_t_m", default=[], dist_reduce_fx="cat")
        self.add_state("error_r_deg", default=[], dist_reduce_fx="cat")

    def update(self, predicted: Pose, truth: Pose) -> None:
        """Add poses (B,)."""
        error_t_m, error_r_deg = pose_errors(predicted, truth)
        self.error_t_m.append(error_t_m)
        self.error_r_deg.append(error_r_deg)

    def compute(self) -> dict[str, Tensor]:
        """``median_t_m`` and ``median_r_deg``."""
        return {
            "median_t_m": torch.tensor(quantile(dim_zero_cat(self.error_t_m), 0.5)),
            "median_r_deg": torch.tensor(quantile(dim_zero_cat(self.error_r_deg), 0.5)),
        }
