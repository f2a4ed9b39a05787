"""Training and validation batches for Lightning: of images, of features, or of views rendered for every epoch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Sampler, Subset

from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.types import Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import PosedImages, StackedSamples, identity

if TYPE_CHECKING:  # it imports open3d, which takes seconds
    from hinted_posenet.data.live_views import LiveImages

Samples: TypeAlias = PosedImages | StackedSamples | Subset[Sample]


@dataclass(eq=False)
class PosedImagesModule(pl.LightningDataModule):
    """Batches of ``PosedImages``, or of ``StackedSamples`` where features were computed beforehand.

    Args:
        train, val: images, or features computed beforehand.
        batch_size: images per step.
        workers: decoding processes; 0 decodes in the main one. Stacked samples need none.
        seed: of the order, which depends on the seed and the epoch alone, and of the augmentation (`batch_seed`).
        augment: applied on the device to training batches that hold images.
        balance_scenes: whether every epoch has equally many images of each scene.
        train_check: some unchanged training images, whose errors are measured beside the validation's.
        overview: ``image`` and ``bounds_m`` of the scene's map, which figures are drawn over.
        offset_m: (3,) float64, the place in the world that positions of samples count from.
    """

    train: PosedImages | StackedSamples
    val: PosedImages | StackedSamples
    batch_size: int
    workers: int
    seed: int
    augment: Augment | None = None
    balance_scenes: bool = True
    train_check: Samples | None = None
    overview: dict[str, Any] | None = None
    offset_m: Tensor = field(default_factory=NO_OFFSET.clone)

    def __post_init__(self) -> None:
        """Initialize Lightning's part."""
        super().__init__()

    def loader(self, dataset: Samples, **options: Any) -> DataLoader[Sample]:
        """Return a loader of either kind of dataset."""
        workers = 0 if isinstance(dataset, StackedSamples) else self.workers
        return DataLoader(
            dataset, self.batch_size, num_workers=workers, collate_fn=identity, **options
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return shuffled batches; the trainer asks anew each epoch, which has its own random order."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        generator = Generator().manual_seed(hash((self.seed, epoch)))
        if isinstance(self.train, StackedSamples):
            scene = self.train.sample.query.scene
        else:
            scene = torch.tensor([view.scene for view in self.train.views])
        order = balanced_order(scene if self.balance_scenes else torch.zeros_like(scene), generator)
        return self.loader(self.train, sampler=self._share(order, whole_rounds=True))

    def _share(self, order: Sequence[int], whole_rounds: bool = False) -> list[int]:
        """Return the rows that this process takes of several: every second one, say, of an order.

        All processes have to take equally many steps, so ``whole_rounds`` leaves out what does not divide among
        them. Lightning would repeat rows instead, and shuffle them again.
        """
        rank, processes = _processes(self.trainer)
        end = len(order) // processes * processes if whole_rounds else len(order)
        return list(order[rank:end:processes])

    def val_dataloader(self) -> list[DataLoader[Sample]]:
        """Return loaders of the validation split, and of the training images that are checked."""
        loaders = [self.loader(self.val, sampler=self._share(range(len(self.val))))]
        if self.train_check is not None:
            # its own generator keeps this check from changing the training's random numbers
            rows = self._share(range(len(self.train_check)))
            loaders.append(self.loader(self.train_check, sampler=rows, generator=Generator()))
        return loaders

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Augment training images on the device that they are now on."""
        trainer = self.trainer
        if self.augment is None or trainer is None or not trainer.training:
            return batch
        if batch.query.image.numel() == 0:
            return batch
        # Lightning counts a batch once it has been moved
        batch_index = trainer.fit_loop.epoch_loop.batch_idx + 1
        seed = batch_seed(self.seed, trainer.current_epoch, batch_index, trainer.global_rank)
        return self.augment(batch, Generator().manual_seed(seed))


def _processes(trainer: pl.Trainer | None) -> tuple[int, int]:
    """Return the number of this process, from 0, and how many there are."""
    return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)


def batch_seed(seed: int, epoch: int, batch: int, rank: int) -> int:
    """Return the seed of everything random in one batch, on one of several devices.

    It differs between the batches of one optimizer step (accumulated gradients) and between devices, and a
    resumed run repeats the numbers of an uninterrupted one.
    """
    state = np.random.SeedSequence([seed, epoch, batch, rank]).generate_state(1, np.uint64)
    return int(state[0])


def balanced_order(scene: Tensor, generator: Generator) -> list[int]:
    """Draw as many rows as ``scene`` (N,) has, in random order, equally many (to one) from every scene.

    Rows of a small scene are repeated, all of them equally often (to one); some rows of a large one are left to
    other epochs. With one scene this is a permutation.
    """
    names = sorted(set(scene.tolist()))
    parts = []
    for place, name in enumerate(names):
        rows = (scene == name).nonzero().squeeze(1)
        share = (len(scene) + place) // len(names)
        rounds = -(-share // len(rows))
        drawn = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(rounds)]
        parts.append(torch.cat(drawn)[:share])
    order = torch.cat(parts)
    if len(names) > 1:
        order = order[torch.randperm(len(order), generator=generator)]
    return [int(row) for row in order]


class EpochOrder(Sampler[int]):
    """Indices of the current epoch's views, in the order in which they were drawn.

    Of several processes, each takes equally many.
    """

    def __init__(self, length: int, trainer: Callable[[], pl.Trainer | None]) -> None:
        self.length, self.trainer = length, trainer

    def __len__(self) -> int:
        return self.length // _processes(self.trainer())[1]

    def __iter__(self) -> Iterator[int]:
        trainer = self.trainer()
        rank, processes = _processes(trainer)
        first = (trainer.current_epoch if trainer else 0) * self.length
        return iter(range(first + rank, first + len(self) * processes, processes))


class EpochLoader:
    """Batches of one epoch after the other, from worker processes that persist over all epochs.

    Nothing is started before the first batch is requested: Lightning makes iterators that it never uses, one of
    them before it knows the epoch of a resumed run.
    """

    def __init__(self, loader: DataLoader[Sample]) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Sample]:
        yield from self.loader


class AerialLiveModule(PosedImagesModule):
    """`PosedImagesModule` whose training batches are rendered, every epoch new ones."""

    train: "LiveImages"

    @cached_property
    def _batches(self) -> EpochLoader:
        order = EpochOrder(len(self.train), lambda: self.trainer)
        persistent = self.workers > 0
        return EpochLoader(self.loader(self.train, sampler=order, persistent_workers=persistent))

    def train_dataloader(self) -> EpochLoader:  # type: ignore[override]  # Lightning needs no DataLoader
        """Return the same loader every epoch, in the order in which views were drawn."""
        return self._batches
