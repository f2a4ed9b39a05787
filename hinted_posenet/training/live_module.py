"""Data module of aerial views that are rendered while training: every epoch has views of its own."""

from collections.abc import Callable, Iterator
from functools import cached_property

from torch.utils.data import DataLoader, Sampler

from hinted_posenet.core.types import Sample
from hinted_posenet.data.live_views import LiveImages
from hinted_posenet.training.data_module import PosedImagesModule


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


class AerialLiveModule(PosedImagesModule):
    """`PosedImagesModule` whose training batches are rendered, every epoch new ones."""

    train: LiveImages

    @cached_property
    def _batches(self) -> EpochLoader:
        order = EpochOrder(
            len(self.train), lambda: self.trainer.current_epoch if self.trainer else 0
        )
        persistent = self.workers > 0
        return EpochLoader(self.loader(self.train, sampler=order, persistent_workers=persistent))

    def train_dataloader(self) -> EpochLoader:  # type: ignore[override]  # no DataLoader, and Lightning needs none
        """The same loader every epoch, in the order in which views were drawn."""
        return self._batches
