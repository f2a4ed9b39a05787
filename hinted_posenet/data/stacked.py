"""A whole split as one Sample of stacked tensors: what features computed once per run are kept in."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from hinted_posenet.core.types import Sample

T = TypeVar("T")


def map_tensors(function: Callable[..., Tensor], first: T, *others: T) -> T:
    """Apply ``function`` to the tensors at the same place of nested NamedTuples; names stay the first's."""
    if isinstance(first, Tensor):
        return function(first, *others)  # type: ignore[return-value]
    if hasattr(first, "_fields"):
        parts = zip(first, *others, strict=True)  # type: ignore[call-overload]
        return type(first)(*(map_tensors(function, *part) for part in parts))
    return first


def to(value: T, device: torch.device) -> T:
    """A Query or Sample with its tensors on a device."""
    return map_tensors(lambda tensor: tensor.to(device), value)


def joined(batches: list[T]) -> T:
    """Batches of NamedTuples one after the other, on the CPU; names stay the first's."""
    return map_tensors(lambda *parts: torch.cat([part.cpu() for part in parts]), *batches)


def stack(samples: list[Sample]) -> Sample:
    """Batches one after the other as one stacked Sample, on the CPU."""
    stacked = joined(samples)
    names = [name for sample in samples for name in sample.query.name]
    return stacked._replace(query=stacked.query._replace(name=names))


def take(sample: Sample, rows: Tensor | slice) -> Sample:
    """The given rows of a stacked Sample."""
    taken = map_tensors(lambda tensor: tensor[rows], sample)
    index = torch.arange(len(sample.query.name))[rows].tolist()
    names = [sample.query.name[i] for i in index]
    return taken._replace(query=taken.query._replace(name=names))


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
