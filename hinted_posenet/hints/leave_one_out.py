"""Leave-one-out hints: what retrieval says of a training image if it, or its whole sequence, is not remembered."""

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.protocol import Answer, robust_sigma
from hinted_posenet.hints.retrieval_database import RetrievalDatabase, distances


class LeaveOneOutHints(nn.Module):
    """The nearest other training image as the hint, with the error that such hints have, and further neighbours.

    A new drive, or a new date, finds no image of its own sequence in the memory, so most hints come from other
    sequences.

    Args:
        neighbours: attached to each hint, drawn from ``candidates``.
        candidates: the nearest images to draw from.
        p_own: probability that images of the same sequence count too.
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
        """Look every training image up among the others: poses (N,), features (N, C, G, G)."""
        memory = RetrievalDatabase()
        memory.fit(truth, feature)
        images = torch.arange(len(truth.t), device=sequence.device)
        found = [memory.nearest_other(images, of, self.candidates) for of in (sequence, images)]
        count = min(rows.shape[1] for rows in found)
        self.rows = torch.stack([rows[:, :count] for rows in found])
        self.t_m, self.q = truth.t.clone(), truth.q.clone()
        for kind, rows in enumerate(found):
            sigma = robust_sigma(memory.pose(rows[:, 0]), truth)
            self.sigma_t_m[kind], self.sigma_r_rad[kind] = sigma

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Hints (B,) for training poses (B,)."""
        count, device = len(truth.t), truth.t.device
        # augmented versions keep their camera center
        row = distances(truth.t, self.t_m).argmin(dim=1)
        kind = (torch.rand(count, generator=generator) < self.p_own).long().to(device)
        near = self.rows[kind, row]  # (B, candidates)
        order = torch.rand(near.shape, generator=generator).argsort(dim=1)[:, : self.neighbours]
        best = near[:, 0]
        return Hint(
            Pose(self.t_m[best], self.q[best]),
            self.sigma_t_m[kind],
            self.sigma_r_rad[kind],
            near.gather(1, order.to(device)),
        )
