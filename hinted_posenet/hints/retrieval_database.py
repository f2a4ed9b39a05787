"""Retrieval database of the training set: which images look like a query, and where they were taken."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.covariance import information
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.feature_index import CANDIDATES, CHUNK, EXACT, FeatureIndex

BATCH = 256  # remembered images looked up at a time
PROBES = 1000  # training images that the spacing is measured at
KEPT = 50_000_000  # numbers of features at most that stay in float32, which the CPU multiplies
TEMPERATURE = 0.02  # this much cosine similarity makes an image e times as likely to be near


class RetrievalDatabase(nn.Module):
    """Features of unit length (the whole grid) in half precision, and the poses they were taken from.

    Over more than ``EXACT`` images, a compressed copy names ``CANDIDATES`` images for an exact comparison. It is
    made at the first query and is no part of a checkpoint; nor is a copy in float32, which queries of fewer share.
    """

    feature: Tensor  # (N, C * G * G) unit rows, float16
    t_m: Tensor  # (N, 3)
    q: Tensor  # (N, 4)
    spacing_m: Tensor  # () from a camera to the nearest other one

    def __init__(self) -> None:
        super().__init__()
        self._index: FeatureIndex | None = None
        self._exact: tuple[Tensor, list[Tensor]] | None = None  # features, and these in float32
        # loading copies into the same tensors, which tells nothing that they have changed
        self.register_load_state_dict_post_hook(_forget_copies)  # type: ignore[no-untyped-call]  # torch states no types
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
        count = min(count, len(self.t_m))
        return self._ranked(unit(feature), self._log_prior(hint), TEMPERATURE, count)

    @in_float32
    def compared(self, feature: Tensor, hint: Hint, count: int) -> tuple[Tensor, Tensor]:
        """Return what `nearest` (B, count) and `distance` (B,) do, of one comparison."""
        if self._is_indexed:
            return self.nearest(feature, hint, count), self.distance(feature)
        similarity = self._similarity(unit(feature))
        score = similarity / TEMPERATURE + self._log_prior(hint)
        rows = score.topk(min(count, len(self.t_m)), dim=1).indices
        return rows, 1 - similarity.amax(dim=1)

    @in_float32
    def log_likelihood(self, feature: Tensor, hint: Hint) -> Tensor:
        """Return how likely all rows (B, N) are near features (B, C, G, G) with hints (B,), up to a constant.

        A hint tells apart places that look alike: a neighbour's camera differs from it by the hint's error
        and by the distance between cameras. Along an axis that it does not know it says nothing.
        """
        return self._similarity(unit(feature)) / TEMPERATURE + self._log_prior(hint)

    def _log_prior(self, hint: Hint) -> Tensor:
        """Return how likely hints (B,) make all rows (B, N), up to a constant."""
        off_m = hint.pose.t.unsqueeze(1) - self.t_m.to(hint.pose.t)  # (B, N, 3)
        axes = torch.eye(3, dtype=hint.covariance.dtype, device=hint.covariance.device)
        spread = hint.covariance[:, :3, :3] + self.spacing_m**2 * axes
        return -(off_m @ information(spread) * off_m).sum(dim=-1) / 2

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
            other = sequence[batch, None] != sequence
            prior = torch.zeros(other.shape, device=other.device).masked_fill(~other, -torch.inf)
            found.append(self._ranked(self.feature[batch].float(), prior, 1.0, count))
        return torch.cat(found)

    @in_float32
    def distance(self, feature: Tensor) -> Tensor:
        """Return the cosine distance (B,) of features (B, C, G, G) to the nearest remembered image."""
        wanted = unit(feature)
        if not self._is_indexed:
            return 1 - self._similarity(wanted).amax(dim=1)
        nowhere = wanted.new_zeros(len(wanted), len(self.feature))
        best = self.feature[self._ranked(wanted, nowhere, 1.0, 1)[:, 0]]
        return 1 - (best.float() * wanted).sum(dim=1)

    @in_float32
    def distances_apart(self, rows: Tensor, sequence: Tensor) -> Tensor:
        """Return the cosine distances (*,) between all remembered rows (B,) of different sequences (N,)."""
        found, sequence = self.feature[rows].float(), _told_apart(sequence)[rows]
        return 1 - (found @ found.T)[sequence[:, None] != sequence]

    @property
    def _is_indexed(self) -> bool:
        """Whether candidates are compared instead of everything; an exported graph compares everything."""
        exported = torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling()
        return len(self.feature) > EXACT and not exported

    @torch.no_grad()
    def _ranked(self, wanted: Tensor, prior: Tensor, temperature: float, count: int) -> Tensor:
        """Return the best rows (B, count) for unit rows (B, C * G * G) with log priors (B, N), best first."""
        if not self._is_indexed:
            score = self._similarity(wanted) / temperature + prior
            return score.topk(count, dim=1).indices
        if self._index is None or self._index.feature is not self.feature:
            self._index = FeatureIndex.of(self.feature)
        rough = self._index.similarity(wanted) / temperature + prior
        likely = rough.topk(min(max(CANDIDATES, 4 * count), rough.shape[1]), dim=1).indices
        score = likely.new_empty(likely.shape, dtype=torch.float32)
        for i, rows in enumerate(likely):  # one by one, which bounds the float32 copy
            score[i] = self.feature[rows].float() @ wanted[i]
        score = score / temperature + prior.take_along_dim(likely, dim=1)
        return likely.take_along_dim(score.topk(count, dim=1).indices, dim=1)

    def _similarity(self, wanted: Tensor) -> Tensor:
        """Return the cosine similarity (B, N) of unit rows (B, C * G * G) to everything remembered."""
        return torch.cat([wanted @ rows.T for rows in self._chunks()], dim=1)

    def _chunks(self) -> Iterable[Tensor]:
        """Return the remembered features in float32, ``CHUNK`` images at a time."""
        chunks = (rows.float() for rows in torch.split(self.feature, CHUNK))
        if self.feature.numel() > KEPT or torch.onnx.is_in_onnx_export():
            return chunks
        if self._exact is None or self._exact[0] is not self.feature:
            # they may outlive the mode in which the first query was answered
            with torch.inference_mode(mode=False), torch.no_grad():
                self._exact = self.feature, list(chunks)
        return self._exact[1]


def _forget_copies(memory: RetrievalDatabase, keys: object) -> None:
    """Let the next query copy the features that have just been loaded."""
    memory._index = memory._exact = None


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
