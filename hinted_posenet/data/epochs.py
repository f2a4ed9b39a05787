"""Loading without end: every epoch has items of its own, numbered on from those of the last one."""

from collections.abc import Callable, Iterator

from torch.utils.data import DataLoader, Sampler

from hinted_posenet.types import Sample


class EpochOrder(Sampler[int]):
    """The items of the epoch that it is when they are asked for, in the order in which they were drawn."""

    def __init__(self, length: int, epoch: Callable[[], int]) -> None:
        self.length, self.epoch = length, epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.epoch() * self.length, (self.epoch() + 1) * self.length))


class EpochLoader:
    """Batches of one epoch after the other, by processes that live through all of them.

    Nothing is started before the first batch is asked for: Lightning makes iterators that it never
    uses, and one before it knows the epoch of a run that it resumes.
    """

    def __init__(self, loader: DataLoader[Sample]) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Sample]:
        yield from self.loader
