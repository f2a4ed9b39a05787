"""k-NN: the similarity-weighted mean pose of the training images that look nearest. A control."""

import torch
from torch import Tensor, nn

from hinted_posenet.geometry import robust_box, rotation_angle
from hinted_posenet.hint.memory import Memory, evenly_spaced, unit
from hinted_posenet.types import Hint, Pose, Query

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
        self.memory = Memory()
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
