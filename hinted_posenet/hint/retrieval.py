"""Retrieval hint: the pose of the training image whose feature is nearest. Also the retrieval baseline."""

import torch
from torch import Tensor, nn

from hinted_posenet.hint.memory import Memory
from hinted_posenet.hint.sigma import robust_sigma
from hinted_posenet.types import Hint, Pose, Query


class RetrievalHint(nn.Module):
    """The most similar training image, or of those that look alike the one that a sensor's prior is nearest to.

    Sigma is unknown (inf) until ``calibrate`` has seen the validation split: neighbours *within* a
    training sequence are far closer than those of a new one.
    """

    oracle = False
    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.register_buffer("sigma_t_m", torch.tensor(torch.inf))
        self.register_buffer("sigma_r_rad", torch.tensor(torch.inf))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.memory.fit(truth, feature)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        for buffer, value in zip(
            (self.sigma_t_m, self.sigma_r_rad), robust_sigma(hint.pose, truth), strict=True
        ):
            buffer.copy_(value)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The nearest training pose (B,) for features (B, C, G, G)."""
        rows = self.memory.nearest(feature, query.prior, count=1)
        return Hint(
            self.memory.pose(rows[:, 0]),
            self.sigma_t_m.expand(len(rows)),
            self.sigma_r_rad.expand(len(rows)),
            rows,
        )
