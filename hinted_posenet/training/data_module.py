"""PosedImagesModule: training and validation batches for Lightning."""

from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Subset

from hinted_posenet.core.types import Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.stacked import StackedSamples, identity

Samples: TypeAlias = PosedImages | StackedSamples | Subset[Sample]


class PosedImagesModule(pl.LightningDataModule):
    """Batches of ``PosedImages``, or of ``StackedSamples`` where features were computed beforehand.

    Args:
        train, val: images, or features computed beforehand.
        batch_size: images per step.
        workers: decoding processes; 0 decodes in the main one. Stacked samples need none.
        seed: of the order and of the augmentation. Both depend on the seed and the epoch (step) alone,
            so a resumed run sees what the uninterrupted one would have seen.
        augment: applied on the device to training batches that hold images.
        balance_scenes: whether every epoch has equally many images of each scene.
        train_check: some training images as they are, whose errors are measured beside the validation's.
        overview: ``image`` and ``bounds_m`` of the scene's map, which figures are drawn over.
    """

    def __init__(
        self,
        train: PosedImages | StackedSamples,
        val: PosedImages | StackedSamples,
        batch_size: int,
        workers: int,
        seed: int,
        augment: Augment | None = None,
        balance_scenes: bool = True,
        train_check: Samples | None = None,
        overview: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.train = train
        self.val = val
        self.batch_size = batch_size
        self.workers = workers
        self.seed = seed
        self.augment = augment
        self.balance_scenes = balance_scenes
        self.train_check = train_check
        self.overview = overview

    def loader(self, dataset: Samples, **options: Any) -> DataLoader[Sample]:
        """A loader of either kind of dataset."""
        workers = 0 if isinstance(dataset, StackedSamples) else self.workers
        return DataLoader(
            dataset, self.batch_size, num_workers=workers, collate_fn=identity, **options
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled; made anew each epoch (the trainer reloads it), with a generator of that epoch's own."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        generator = Generator().manual_seed(hash((self.seed, epoch)))
        scene = _scenes(self.train)
        order = balanced_order(scene if self.balance_scenes else torch.zeros_like(scene), generator)
        return self.loader(self.train, sampler=order)

    def val_dataloader(self) -> list[DataLoader[Sample]]:
        """In order: the validation split, then the training images that are checked."""
        loaders = [self.loader(self.val)]
        if self.train_check is not None:
            # a generator of its own: the global random numbers of a training do not depend on this check
            loaders.append(self.loader(self.train_check, generator=Generator()))
        return loaders

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Augment training images on the device that they are now on."""
        if self.augment is None or self.trainer is None or not self.trainer.training:
            return batch
        if batch.query.image.numel() == 0:
            return batch
        generator = Generator().manual_seed(hash((self.seed, self.trainer.global_step)))
        return self.augment(batch, generator)


def _scenes(dataset: PosedImages | StackedSamples) -> Tensor:
    """Which scene every row is of (N,)."""
    if isinstance(dataset, StackedSamples):
        return dataset.sample.query.scene
    return torch.tensor([view.scene for view in dataset.views])


def balanced_order(scene: Tensor, generator: Generator) -> list[int]:
    """As many rows as there are, shuffled, and of every scene equally many (to one).

    Rows of a small scene come again, each once more before any comes twice more; of a large one some wait for
    another epoch. With one scene this is a permutation.

    Args:
        scene: (N,) which scene a row is of.
        generator: decides the order.
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
