"""Constant hint: the mean training pose. Also the constant-pose baseline."""

import torch
from torch import Tensor

from hinted_posenet.geometry import mean_quaternion
from hinted_posenet.hint.sigma import MeasuredSigma
from hinted_posenet.types import Hint, Pose, Query


class ConstantHint(MeasuredSigma):
    """Median position and mean rotation of the training poses, trusted as far as poses lie around them."""

    oracle = False
    t_m: Tensor  # (3,)
    q: Tensor  # (4,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("t_m", torch.zeros(3))
        self.register_buffer("q", torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Mean of the training poses (N,) and their spread around it."""
        self.t_m.copy_(truth.t.quantile(0.5, dim=0))
        self.q.copy_(mean_quaternion(truth.q))
        self.measure(self._mean(len(truth.t)), truth)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: the spread of the whole training set says more than one held-out sequence."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The mean pose (B,)."""
        return self.hint(self._mean(len(feature)))

    def _mean(self, rows: int) -> Pose:
        return Pose(self.t_m.expand(rows, 3), self.q.expand(rows, 4))
