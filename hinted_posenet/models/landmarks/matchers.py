"""Matchers: which keypoints of two images show the same place."""

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures


class Matches(NamedTuple):
    """Pairs of keypoints of two images; no row of either is in two pairs."""

    rows: Tensor  # (M, 2) int64, of the first image's features and of the second's
    similarity: Tensor  # (M,) float32, at most 1; larger is surer


class Matcher(nn.Module):
    """Two images' features -> matches. Subclasses write `match_used`; weights are never trained."""

    by_image = True  # False: features of several images may be matched as if they were of one
    dim: int | None = None  # of the descriptors that it takes; None takes any

    def match_used(
        self, first: LocalFeatures, second: LocalFeatures, allowed: Tensor | None
    ) -> Matches:
        """Match features (), of which each image has at least one and no row is unused."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, as there is nothing to train."""
        return super().train(False)

    @torch.no_grad()
    def match(
        self, first: LocalFeatures, second: LocalFeatures, allowed: Tensor | None = None
    ) -> Matches:
        """Match features () of two images, where pairs (N, M) are allowed; unused rows have no match."""
        used = [features.score.nonzero()[:, 0] for features in (first, second)]
        if not all(map(len, used)):
            return Matches(torch.empty(0, 2, dtype=torch.int64), torch.empty(0))
        if len(used[0]) == len(first.score) and len(used[1]) == len(second.score):
            return self.match_used(first, second, allowed)
        taken = [
            LocalFeatures(f.ray[rows], f.score[rows], f.descriptor[rows], f.focal_px)
            for f, rows in zip((first, second), used, strict=True)
        ]
        if allowed is not None and (len(used[0]), len(used[1])) != allowed.shape:
            allowed = allowed[used[0]][:, used[1]]
        found = self.match_used(taken[0], taken[1], allowed)
        rows = [kept[column] for kept, column in zip(used, found.rows.T, strict=True)]
        return Matches(torch.stack(rows, dim=1), found.similarity)


class MutualMatcher(Matcher):
    """Pairs whose descriptors are each other's nearest neighbour, by the cosine of their angle.

    Args:
        min_similarity: least cosine of a match.
    """

    def __init__(self, min_similarity: float = 0.0):
        super().__init__()
        if not -1 <= min_similarity <= 1:
            raise InputError(f"matcher.min_similarity={min_similarity}: expected a cosine")
        self.min_similarity = min_similarity

    by_image = False

    def match_used(
        self, first: LocalFeatures, second: LocalFeatures, allowed: Tensor | None
    ) -> Matches:
        """Match by descriptors; what is not allowed is no neighbour either."""
        cosine = first.descriptor.float() @ second.descriptor.float().T
        if allowed is not None:
            cosine = torch.where(allowed, cosine, -2.0)
        similarity, nearest = cosine.max(dim=1)
        # a fifth of the time of argmax over rows, which would say the same but for ties
        mutual = similarity == cosine.amax(dim=0)[nearest]
        row = (mutual & (similarity >= self.min_similarity)).nonzero()[:, 0]
        row = row[_firsts(nearest[row])]
        return Matches(torch.stack([row, nearest[row]], dim=1), similarity[row])


def _firsts(values: Tensor) -> Tensor:
    """Return (n,) bool, where a value of (n,) occurs for the first time."""
    ordered, order = values.sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered.diff() > 0
    return torch.empty_like(first).scatter_(0, order, first)
