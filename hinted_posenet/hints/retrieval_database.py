"""Retrieval database of the training set: which images look like a query, and where they were taken."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.covariance import information
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose

CHUNK = 4096  # remembered images at a time, which bounds the float32 copy
BATCH = 256  # remembered images looked up at a time
PROBES = 1000  # training images that the spacing is measured at
TEMPERATURE = 0.02  # this much cosine similarity makes an image e times as likely to be near


class RetrievalDatabase(nn.Module):
    """Features of unit length (the whole grid) in half precision, and the poses they were taken from."""

    feature: Tensor  # (N, C * G * G) unit rows, float16
    t_m: Tensor  # (N, 3)
    q: Tensor  # (N, 4)
    spacing_m: Tensor  # () from a camera to the nearest other one

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("feature", torch.empty(0, 0, dtype=torch.float16))
        self.register_buffer("t_m", torch.empty(0, 3))
        self.register_buffer("q", torch.empty(0, 4))
        self.register_buffer("spacing_m", torch.zeros(()))

    @in_float32
    def fit(self, truth: Pose, feature: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.feature = unit(feature).half()
        self.t_m, self.q = truth.t.clone(), truth.q.clone()
        probe = truth.t[evenly_spaced(len(truth.t), PROBES)]
        nearest_m = distances(probe, truth.t).topk(min(2, len(truth.t)), largest=False).values
        self.spacing_m.copy_(nearest_m[:, -1].quantile(0.5))

    def pose(self, rows: Tensor) -> Pose:
        """Return poses (*,) of remembered rows (*,)."""
        return Pose(self.t_m[rows], self.q[rows])

    @in_float32
    def nearest(self, feature: Tensor, hint: Hint, count: int) -> Tensor:
        """Return rows (B, count) that are most likely near features (B, C, G, G) with hints (B,), best first."""
        return self.log_likelihood(feature, hint).topk(min(count, len(self.t_m)), dim=1).indices

    @in_float32
    def log_likelihood(self, feature: Tensor, hint: Hint) -> Tensor:
        """Return how likely all rows (B, N) are near features (B, C, G, G) with hints (B,), up to a constant.

        A hint tells apart places that look alike: a neighbour's camera differs from it by the hint's error
        and by the distance between cameras. Along an axis that it does not know it says nothing.
        """
        score = self._similarity(unit(feature)) / TEMPERATURE
        off_m = hint.pose.t.unsqueeze(1) - self.t_m.to(hint.pose.t)  # (B, N, 3)
        axes = torch.eye(3, dtype=hint.covariance.dtype, device=hint.covariance.device)
        spread = hint.covariance[:, :3, :3] + self.spacing_m**2 * axes
        return score - (off_m @ information(spread) * off_m).sum(dim=-1) / 2

    @in_float32
    def nearest_other(self, rows: Tensor, sequence: Tensor, count: int) -> Tensor:
        """Return rows (B, count) most similar to the remembered rows (B,), from other sequences (N,), best first.

        Fewer where the longest sequence leaves fewer. If there is only one sequence, each image counts as its own.
        """
        sequence = _told_apart(sequence)
        count = min(count, len(sequence) - int(sequence.bincount().max()))
        if count == 0:
            raise InputError(
                "training images: at least 2 are needed, since each is compared with others"
            )
        found = []
        for batch in torch.split(rows, BATCH):
            score = self._similarity(self.feature[batch].float())
            score = score.masked_fill(sequence[batch, None] == sequence, -torch.inf)
            found.append(score.topk(count, dim=1).indices)
        return torch.cat(found)

    @in_float32
    def distance(self, feature: Tensor) -> Tensor:
        """Return the cosine distance (B,) of features (B, C, G, G) to the nearest remembered image."""
        return 1 - self._similarity(unit(feature)).amax(dim=1)

    @in_float32
    def distances_apart(self, rows: Tensor, sequence: Tensor) -> Tensor:
        """Return the cosine distances (*,) between all remembered rows (B,) of different sequences (N,)."""
        found, sequence = self.feature[rows].float(), _told_apart(sequence)[rows]
        return 1 - (found @ found.T)[sequence[:, None] != sequence]

    def _similarity(self, wanted: Tensor) -> Tensor:
        """Return the cosine similarity (B, N) of unit rows (B, C * G * G) to everything remembered."""
        return torch.cat(
            [wanted @ rows.float().T for rows in torch.split(self.feature, CHUNK)], dim=1
        )


def _told_apart(sequence: Tensor) -> Tensor:
    """Return the sequences (N,), or a number for each image if there is only one."""
    one = bool((sequence == sequence[0]).all())
    return torch.arange(len(sequence), device=sequence.device) if one else sequence


def evenly_spaced(images: int, most: int) -> Tensor:
    """Return indices of at most ``most`` evenly spaced images, int64."""
    return torch.linspace(0, images - 1, min(most, images)).long()


def unit(feature: Tensor) -> Tensor:
    """Flatten features (B, C, G, G) to rows of unit length (B, C * G * G)."""
    return normalize(feature.flatten(1).float(), dim=-1)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Compute distances (A, B) of points (A, 3) and (B, 3); dot products would be metres off in large scenes."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
