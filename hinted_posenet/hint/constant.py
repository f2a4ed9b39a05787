"""Constant hint: the mean training pose. Also the constant-pose baseline."""

import torch
from torch import Tensor, nn

from hinted_posenet.geometry import mean_quaternion
from hinted_posenet.hint.sigma import robust_sigma
from hinted_posenet.types import Hint, Pose, Query


class ConstantHint(nn.Module):
    """Median position and mean rotation of the training poses, trusted as far as poses lie around them."""

    oracle = False
    t_m: Tensor  # (3,)
    q: Tensor  # (4,)
    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("t_m", torch.zeros(3))
        self.register_buffer("q", torch.tensor([1.0, 0.0, 0.0, 0.0]))
        self.register_buffer("sigma_t_m", torch.tensor(torch.inf))
        self.register_buffer("sigma_r_rad", torch.tensor(torch.inf))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Mean of the training poses (N,) and their spread around it."""
        self.t_m.copy_(truth.t.quantile(0.5, dim=0))
        self.q.copy_(mean_quaternion(truth.q))
        rows = len(truth.t)
        mean = Pose(self.t_m.expand(rows, 3), self.q.expand(rows, 4))
        sigma_t_m, sigma_r_rad = robust_sigma(mean, truth)
        self.sigma_t_m.copy_(sigma_t_m)
        self.sigma_r_rad.copy_(sigma_r_rad)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: the spread of the whole training set says more than one held-out sequence."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The mean pose (B,)."""
        rows = len(feature)
        return Hint(
            Pose(self.t_m.expand(rows, 3), self.q.expand(rows, 4)),
            self.sigma_t_m.expand(rows),
            self.sigma_r_rad.expand(rows),
        )
