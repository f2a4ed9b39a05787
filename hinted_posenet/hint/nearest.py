"""The pose of the training image that was taken nearest: the best that retrieval could be. An oracle."""

import torch
from torch import Tensor

from hinted_posenet.hint.memory import distances
from hinted_posenet.hint.sigma import MeasuredSigma
from hinted_posenet.types import NO_NEIGHBOURS, Hint, Pose, Query


class NearestHint(MeasuredSigma):
    """Knows the label, and which training camera stood nearest to it; every result is stamped with it.

    Before evaluation the engine fills ``Query.prior`` with ``sense``; at inference this sees the
    prior alone.
    """

    oracle = True
    t_m: Tensor  # (N, 3)
    q: Tensor  # (N, 4)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("t_m", torch.empty(0, 3))
        self.register_buffer("q", torch.empty(0, 4))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training poses (N,)."""
        self.t_m, self.q = truth.t.clone(), truth.q.clone()

    def sense(self, truth: Pose) -> Hint:
        """Poses of the nearest training cameras (B,) to the true ones (B,)."""
        row = distances(truth.t, self.t_m.to(truth.t)).argmin(dim=1).to(self.t_m.device)
        pose = Pose(self.t_m[row].to(truth.t), self.q[row].to(truth.q))
        return self.hint(pose, NO_NEIGHBOURS.to(truth.t.device).expand(len(row), 0))

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        self.measure(hint.pose, truth)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The prior (B,) of queries (B,), with the sigma that validation gave."""
        return self.hint(query.prior.pose, query.prior.neighbours)
