"""A hint source: somebody knows in which cell of a grid the camera is - a field, a street, a radio cell."""

import math

import torch
from torch import Generator, Tensor

from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.protocol import Answer, InferenceHints, TrainingHints


class CellHint(InferenceHints, TrainingHints):
    """The middle of the cell, at the median height of the training cameras; nothing of the rotation.

    The same class serves training, where the truth tells the cell, and inference, where the sensor's prior
    does. Both give hints of one kind, or the network would meet others than it was trained on.

    Args:
        cell_m: side of the square cells, east and north.
    """

    reads_prior = True  # a data set without priors is refused

    height_m: Tensor  # ()
    height_sigma_m: Tensor  # ()

    def __init__(self, cell_m: float):
        super().__init__()
        self.cell_m = cell_m
        # buffers travel in the checkpoint, and to the GPU
        self.register_buffer("height_m", torch.zeros(()))
        self.register_buffer("height_sigma_m", torch.zeros(()))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the heights of the training poses (N,)."""
        self.height_m.copy_(truth.t[:, 2].quantile(0.5))
        self.height_sigma_m.copy_(truth.t[:, 2].std())

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Hints (B,) for training poses (B,): the cells that they are in."""
        return self._cell(truth, truth.t.new_zeros(len(truth.t)))

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Hints (B,) for queries (B,): the cells that the sensor's priors are in; none where there is no prior."""
        return self._cell(query.prior.pose, query.prior.sigma_t_m)

    def _cell(self, pose: Pose, sigma_t_m: Tensor) -> Hint:
        """Cells of poses (B,) that are known to sigmas (B,)."""
        middle = (torch.floor(pose.t[:, :2] / self.cell_m) + 0.5) * self.cell_m
        t = torch.cat([middle, self.height_m.expand(len(middle), 1)], dim=1)
        # a uniform distribution over a width w has the variance w^2 / 12; one sigma stands for three axes
        variance = (2 * self.cell_m**2 / 12 + self.height_sigma_m**2) / 3
        sigma_t_m = (variance + sigma_t_m**2).sqrt()
        return Hint.isotropic(Pose(t, pose.q), sigma_t_m, torch.full_like(sigma_t_m, math.inf))
