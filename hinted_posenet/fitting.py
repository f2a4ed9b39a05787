"""The training loop's batches, and the loop itself: killed, it goes on from its last epoch."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint

from hinted_posenet.build import build
from hinted_posenet.data.module import PosedImagesModule
from hinted_posenet.data.stacked import StackedSamples
from hinted_posenet.localizer import Localizer
from hinted_posenet.scene import Scene
from hinted_posenet.types import InputError, Sample


def batches(
    config: dict[str, Any], scene: Scene, features: Sample | None, validation: Sample | None
) -> PosedImagesModule:
    """Batches of features where they were computed beforehand, else of images or of rendered views."""
    val = StackedSamples(validation) if validation else scene.images("val")
    loading = {key: config[key] for key in ("batch_size", "workers", "seed", "balance_scenes")}
    if features:
        return PosedImagesModule(StackedSamples(features), val, **loading)
    augment = scene.augment()
    if not scene.is_live:
        train = scene.images("train", whole=True)
        return PosedImagesModule(train, val, **loading, augment=augment)
    from hinted_posenet.data.aerial_live import AerialLiveModule  # open3d takes seconds to import

    views = scene.live_images("train", config["seed"])
    return AerialLiveModule(views, val, **loading, augment=augment)


def fit(config: dict[str, Any], run: Path, localizer: Localizer, module: PosedImagesModule) -> bool:
    """Fit, from the last checkpoint if there is one; leave the best weights in ``localizer``.

    False in the further processes of a run on several devices, which have no more to do.
    """
    folder = run / "lightning"
    chosen = ModelCheckpoint(folder, "best", monitor="val/score", enable_version_counter=False)
    every = ModelCheckpoint(folder, "last", enable_version_counter=False)
    callbacks = [chosen, every, *(build(node) for node in config["callbacks"].values())]
    if steps := config["averaged_steps"]:
        # what heads and hints remember is no weight, and is kept as it is
        callbacks.append(EMAWeightAveraging(decay=1 - 1 / steps, use_buffers=False))
    trainer: pl.Trainer = build(
        config["trainer"],
        accelerator=config["accelerator"],
        callbacks=callbacks,
        logger=build(config["logger"], save_dir=str(run)),
        default_root_dir=str(run),
    )
    last = folder / "last.ckpt"
    localizer.train()  # Lightning keeps the mode, and computing features left evaluation mode behind
    try:
        trainer.fit(
            localizer, module, ckpt_path=last if last.is_file() else None, weights_only=True
        )
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from None
    if not chosen.best_model_path:
        raise InputError(
            "trainer: it ended before its first validation, which chooses the checkpoint; set "
            "trainer.check_val_every_n_epoch to at most trainer.max_epochs"
        )
    best = torch.load(chosen.best_model_path, map_location="cpu", weights_only=True)
    localizer.load_state_dict(best["state_dict"])
    return bool(trainer.is_global_zero)
