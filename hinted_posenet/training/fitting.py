"""The training loop: batches, trainer, and the fit itself; an interrupted fit resumes from its last epoch."""

import logging
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.data import Subset

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample
from hinted_posenet.data.stacked import StackedSamples, take
from hinted_posenet.hints.retrieval_database import evenly_spaced
from hinted_posenet.inference.build import build
from hinted_posenet.training.callbacks import History
from hinted_posenet.training.data_module import PosedImagesModule
from hinted_posenet.training.localizer import Localizer
from hinted_posenet.training.scene import Scene

IGNORED = (
    ".*LeafSpec.*deprecated.*",  # Lightning 2.6 on torch 2.14
    ".*does not have many workers.*",  # features are in memory
    ".*in eval mode at the start of training.*",  # what is frozen stays in it
    ".*exists and is not empty.*",  # a resumed run
    ".*is smaller than the logging interval.*",
)


def quiet_lightning() -> None:
    """Warnings and errors only, and no tips."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in IGNORED:
        warnings.filterwarnings("ignore", message=message)


# Training images that are checked beside the validation split: a share of an epoch's, since a prediction takes a
# third of a step and more, between the least that a median makes sense of and what is plenty.
CHECKED_SHARE, LEAST_CHECKED, MOST_CHECKED = 1 / 20, 16, 512


def batches(
    config: dict[str, Any],
    scene: Scene,
    features: Sample | None,
    still: tuple[Sample, Sample] | None,
) -> PosedImagesModule:
    """Batches of features where they were computed beforehand, else of images or of rendered views.

    Args:
        config: of the run.
        scene: its images.
        features: of the training images and their augmented versions.
        still: features of the training and the validation images that hold for the whole training.
    """
    images = len(scene.views["train"])
    length = len(features.query.name) if features else images
    count = min(max(int(length * CHECKED_SHARE), LEAST_CHECKED), MOST_CHECKED, images)
    rows = evenly_spaced(images, count)
    loading = {key: config[key] for key in ("batch_size", "workers", "seed", "balance_scenes")}
    loading |= {"overview": scene.map}
    if still:
        val: Any = StackedSamples(still[1])
        loading["train_check"] = StackedSamples(take(still[0], rows))
    else:
        val = scene.images("val")
        loading["train_check"] = Subset(scene.images("train"), rows.tolist())
    if features:
        return PosedImagesModule(StackedSamples(features), val, **loading)
    augment = scene.augment()
    if not scene.is_live:
        train = scene.images("train", whole=True)
        return PosedImagesModule(train, val, **loading, augment=augment)
    from hinted_posenet.training.live_module import (
        AerialLiveModule,  # open3d takes seconds to import
    )

    views = scene.live_images("train", config["seed"])
    return AerialLiveModule(views, val, **loading, augment=augment)


def build_trainer(config: dict[str, Any], run: Path) -> pl.Trainer:
    """The trainer with its checkpoints, history, progress bar and logger; writes nothing yet."""
    folder = run / "lightning"
    callbacks = [
        ModelCheckpoint(folder, "best", monitor="val/score", enable_version_counter=False),
        ModelCheckpoint(folder, "last", enable_version_counter=False),
        History(run / "history.csv"),
        *(build(node) for node in config["callbacks"].values()),
    ]
    if steps := config["averaged_steps"]:
        # what heads and hints remember is no weight, and is kept as it is
        callbacks.append(EMAWeightAveraging(decay=1 - 1 / steps, use_buffers=False))
    trainer: pl.Trainer = build(
        config["trainer"],
        accelerator=config["accelerator"],
        callbacks=callbacks,
        logger=build(config["logger"], save_dir=str(run)) if config["logger"] else False,
        default_root_dir=str(run),
    )
    return trainer


def fit(trainer: pl.Trainer, run: Path, localizer: Localizer, module: PosedImagesModule) -> bool:
    """Fit, from the last checkpoint if there is one; leave the best weights in ``localizer``.

    False in the further processes of a run on several devices, which have no more to do.
    """
    if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
        print(f"to watch: tensorboard --logdir {run}", flush=True)
    last = run / "lightning" / "last.ckpt"
    localizer.train()  # Lightning keeps the mode, and computing features left evaluation mode behind
    try:
        trainer.fit(
            localizer, module, ckpt_path=last if last.is_file() else None, weights_only=True
        )
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from None
    chosen = trainer.checkpoint_callback
    if not isinstance(chosen, ModelCheckpoint) or not chosen.best_model_path:
        raise InputError(
            "trainer: it ended before its first validation, which chooses the checkpoint; set "
            "trainer.check_val_every_n_epoch to at most trainer.max_epochs"
        )
    best = torch.load(chosen.best_model_path, map_location="cpu", weights_only=True)
    localizer.load_state_dict(best["state_dict"])
    return bool(trainer.is_global_zero)
