"""A whole split as one Sample of stacked tensors: what features computed once per run are kept in."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from hinted_posenet.types import Hint, Pose, Query, Sample


def take(sample: Sample, rows: Tensor | slice) -> Sample:
    """The given rows of a stacked Sample."""
    query, truth = sample
    index = torch.arange(len(query.name))[rows]
    return Sample(
        Query(
            image=query.image[rows],
            feature=query.feature[rows],
            K=query.K[rows],
            prior=Hint(
                Pose(query.prior.pose.t[rows], query.prior.pose.q[rows]),
                query.prior.sigma_t[rows],
                query.prior.sigma_r[rows],
            ),
            name=[query.name[i] for i in index.tolist()],
        ),
        Pose(truth.t[rows], truth.q[rows]),
    )


def batches(sample: Sample, size: int) -> Iterator[Sample]:
    """A stacked Sample in batches of at most ``size`` rows, in order."""
    for start in range(0, len(sample.query.name), size):
        yield take(sample, slice(start, start + size))


class StackedSamples(Dataset[Sample]):
    """A stacked Sample as a Dataset whose DataLoader takes whole batches by index (``collate_fn=identity``)."""

    def __init__(self, sample: Sample):
        self.sample = sample

    def __len__(self) -> int:
        return len(self.sample.query.name)

    def __getitems__(self, rows: list[int]) -> Sample:
        """A batch (B,)."""
        return take(self.sample, torch.tensor(rows))


def identity(batch: Any) -> Any:
    """Collate function for batches that are stacked already."""
    return batch
