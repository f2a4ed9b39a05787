"""Hints from training images: the most similar one, the nearest one (an oracle), and the k-NN mean."""

import torch
from torch import Tensor, nn

from hinted_posenet.core.geometry import robust_box, rotation_angle
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query
from hinted_posenet.hints.protocol import MeasuredSigma
from hinted_posenet.hints.retrieval_database import (
    RetrievalDatabase,
    distances,
    evenly_spaced,
    unit,
)


class RetrievalHint(MeasuredSigma):
    """The most similar training image, or of those that look alike the one that a sensor's prior is nearest to.

    Sigma is unknown (inf) until ``calibrate`` has seen the validation split: neighbours *within* a
    training sequence are far closer than those of a new one.
    """

    oracle = False

    def __init__(self) -> None:
        super().__init__()
        self.memory = RetrievalDatabase()

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.memory.fit(truth, feature)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        self.measure(hint.pose, truth)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The nearest training pose (B,) for features (B, C, G, G)."""
        rows = self.memory.nearest(feature, query.prior, count=1)
        return self.hint(self.memory.pose(rows[:, 0]), rows)


class NearestHint(MeasuredSigma):
    """Knows the label, and which training camera stood nearest to it; every result is stamped with it.

    Before evaluation the engine fills ``Query.prior`` with ``simulate_reading``; at inference this sees the
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

    def simulate_reading(self, truth: Pose) -> Hint:
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


COUNT = 16
# Cosine similarities over which a weight falls by a factor e: from the nearest alone to all alike
TEMPERATURES = (1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 1.0)
PROBES = 300  # training images that the temperature is chosen on


class NearestNeighbours(nn.Module):
    """Interpolates between 16 training poses; how fast weights fall off is fitted.

    Chosen by the error on training images whose own sequence is left out.
    """

    temperature: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.memory = RetrievalDatabase()
        self.register_buffer("temperature", torch.tensor(TEMPERATURES[0]))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G), sequences (N,)."""
        self.memory.fit(truth, feature)
        probe = evenly_spaced(len(truth.t), PROBES).to(sequence.device)
        rows = self.memory.nearest_other(probe, sequence, COUNT)
        wanted, scale_m = self.memory.feature[probe].float(), robust_box(truth.t)[1]

        def error(temperature: float) -> float:
            pose = self._mean(wanted, rows, torch.tensor(temperature).to(wanted))
            error_t = (pose.t - truth.t[probe]).norm(dim=-1).quantile(0.5) / scale_m
            return float(error_t + rotation_angle(pose.q, truth.q[probe]).quantile(0.5))

        self.temperature.fill_(min(TEMPERATURES, key=error))

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The mean pose (B,) for features (B, C, G, G); how wrong it may be is not known (sigma inf)."""
        rows = self.memory.nearest(feature, query.prior, COUNT)
        unknown = torch.full_like(rows[:, 0], torch.inf, dtype=torch.float32)
        return Hint(self._mean(unit(feature), rows, self.temperature), unknown, unknown)

    def _mean(self, wanted: Tensor, rows: Tensor, temperature: Tensor) -> Pose:
        """Of remembered rows (B, K), by their similarity to unit rows (B, C * G * G)."""
        similarity = (self.memory.feature[rows].float() @ wanted.unsqueeze(-1)).squeeze(-1)
        weight = (similarity / temperature).softmax(dim=1).unsqueeze(-1)  # (B, K, 1)
        pose = self.memory.pose(rows)
        # rotations as in geometry.mean_quaternion, for each query
        outer = (weight * pose.q).transpose(1, 2) @ pose.q
        return Pose((weight * pose.t).sum(dim=1), torch.linalg.eigh(outer).eigenvectors[..., -1])
