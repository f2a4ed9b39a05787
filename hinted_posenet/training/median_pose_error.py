"""Medians over all batches of a split, on any device."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.metrics import pose_errors, quantile


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
