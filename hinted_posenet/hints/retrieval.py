"""Hints from training images: the most similar one (leave-one-out in training), the nearest (oracle), k-NN."""

import torch
from torch import Generator, Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import robust_box, rotation_angle
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query
from hinted_posenet.hints.protocol import (
    Answer,
    InferenceHints,
    MeasuredSigma,
    TrainingHints,
    robust_sigma,
    sent,
)
from hinted_posenet.hints.retrieval_database import (
    RetrievalDatabase,
    distances,
    evenly_spaced,
    unit,
)


class CalibratedHint(MeasuredSigma, InferenceHints):
    """A source whose sigma is unknown (inf) until ``calibrate`` has seen the validation split."""

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        self.measure(hint.pose, truth)


class RetrievalHint(CalibratedHint):
    """The most similar training image, or of those that look alike the one that a sensor's prior is nearest to.

    Sigma is measured on the validation split: neighbours *within* a training sequence are far closer than those
    of a new one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.memory = RetrievalDatabase()

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.memory.fit(truth, feature)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the nearest training pose (B,) for features (B, C, G, G)."""
        rows = self.memory.nearest(feature, query.prior, count=1)
        return self.hint(self.memory.pose(rows[:, 0]), rows)


class NearestHint(CalibratedHint):
    """Knows the label, and which training camera stood nearest to it; every result is marked (oracle).

    `query_of` fills ``Query.prior`` with ``simulate_reading``; at inference this sees the prior alone.
    """

    oracle = True
    fits_poses_alone = True
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
        """Return poses of the training cameras (B,) nearest to the true ones (B,)."""
        row = distances(truth.t, self.t_m.to(truth.t)).argmin(dim=1).to(self.t_m.device)
        pose = Pose(self.t_m[row].to(truth.t), self.q[row].to(truth.q))
        return self.hint(pose, NO_NEIGHBOURS.to(truth.t.device).expand(len(row), 0))

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the prior (B,) of queries (B,), with the sigma measured on validation."""
        return self.hint(query.prior.pose, query.prior.neighbours)


COUNT = 16
# cosine similarities over which a weight falls by a factor e: from the nearest alone to all alike
TEMPERATURES = (1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 1.0)
PROBES = 300  # training images that the temperature is chosen on


class NearestNeighbours(InferenceHints):
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

    @in_float32
    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the mean pose (B,) for features (B, C, G, G); its error is not known (sigma inf)."""
        rows = self.memory.nearest(feature, query.prior, COUNT)
        unknown = torch.full_like(rows[:, 0], torch.inf, dtype=torch.float32)
        pose = self._mean(unit(feature), rows, self.temperature)
        return Hint.isotropic(pose, unknown, unknown)

    @in_float32
    def _mean(self, wanted: Tensor, rows: Tensor, temperature: Tensor) -> Pose:
        """Average remembered rows (B, K), weighted by their similarity to unit rows (B, C * G * G)."""
        similarity = (self.memory.feature[rows].float() @ wanted.unsqueeze(-1)).squeeze(-1)
        weight = (similarity / temperature).softmax(dim=1).unsqueeze(-1)  # (B, K, 1)
        pose = self.memory.pose(rows)
        # rotations as in geometry.mean_quaternion, for each query
        outer = (weight * pose.q).transpose(1, 2) @ pose.q
        return Pose((weight * pose.t).sum(dim=1), torch.linalg.eigh(outer).eigenvectors[..., -1])


class LeaveOneOutHints(TrainingHints):
    """What retrieval returns for a training image that is left out, with the error that such hints have.

    A new drive, or a new date, finds no image of its own sequence in the database, so most hints come from other
    sequences. Further neighbours are drawn from the nearest ``candidates``.
    """

    t_m: Tensor  # (N, 3)
    q: Tensor  # (N, 4)
    rows: Tensor  # (2, N, candidates) int64: from other sequences; from all
    sigma_t_m: Tensor  # (2,)
    sigma_r_rad: Tensor  # (2,)

    def __init__(self, neighbours: int, candidates: int, p_own: float):
        super().__init__()
        if not 1 <= neighbours <= candidates:
            raise InputError("train_hint.neighbours: must be from 1 to train_hint.candidates")
        self.neighbours = neighbours
        self.candidates = candidates
        self.p_own = p_own
        self.register_buffer("t_m", torch.empty(0, 3))
        self.register_buffer("q", torch.empty(0, 4))
        self.register_buffer("rows", torch.empty(2, 0, candidates, dtype=torch.int64))
        self.register_buffer("sigma_t_m", torch.empty(2))
        self.register_buffer("sigma_r_rad", torch.empty(2))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Look up every training image among the others: poses (N,), features (N, C, G, G)."""
        memory = RetrievalDatabase()
        memory.fit(truth, feature)
        images = torch.arange(len(truth.t), device=sequence.device)
        found = [memory.nearest_other(images, of, self.candidates) for of in (sequence, images)]
        count = min(rows.shape[1] for rows in found)
        self.rows = torch.stack([rows[:, :count] for rows in found])
        self.t_m, self.q = truth.t.clone(), truth.q.clone()
        sigmas = [robust_sigma(memory.pose(rows[:, 0]), truth) for rows in found]
        self.sigma_t_m, self.sigma_r_rad = map(torch.stack, zip(*sigmas, strict=True))

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,) for training poses (B,)."""
        count, device = len(truth.t), truth.t.device
        # augmented versions keep their camera center
        row = distances(truth.t, self.t_m).argmin(dim=1)
        candidates = count, self.rows.shape[2]
        kind, order = sent(
            device,
            (torch.rand(count, generator=generator) < self.p_own).long(),
            torch.rand(candidates, generator=generator).argsort(dim=1)[:, : self.neighbours],
        )
        near = self.rows[kind, row]  # (B, candidates)
        best = near[:, 0]
        pose = Pose(self.t_m[best], self.q[best])
        neighbours = near.gather(1, order)
        return Hint.isotropic(pose, self.sigma_t_m[kind], self.sigma_r_rad[kind], neighbours)
