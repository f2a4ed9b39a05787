"""What Lightning runs: batches, trainer, and the fit itself; an interrupted fit resumes from its last epoch."""

import logging
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.strategies import DDPStrategy
from torch.utils.data import Subset

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors
from hinted_posenet.core.types import Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import StackedSamples, take
from hinted_posenet.hints.retrieval_database import evenly_spaced
from hinted_posenet.training.callbacks import History, StopNotFinite
from hinted_posenet.training.data_module import AerialLiveModule, PosedImagesModule
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.resuming import newest_checkpoint
from hinted_posenet.training.scene import Scene
from hinted_posenet.training.settings import TrainSettings

IGNORED = (
    ".*LeafSpec.*deprecated.*",  # Lightning 2.6 on torch 2.14
    ".*does not have many workers.*",  # features are in memory
    ".*in eval mode at the start of training.*",  # frozen parts stay in it
    ".*exists and is not empty.*",  # a resumed run
    ".*is smaller than the logging interval.*",
)


def quiet_lightning() -> None:
    """Suppress Lightning's tips and information, and warnings that do not apply here."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in IGNORED:
        warnings.filterwarnings("ignore", message=message)


# Training images that are checked beside the validation split: a share of an epoch's, since a prediction takes a
# third of a step and more; at least enough for a median, and never more than that needs.
CHECKED_SHARE, LEAST_CHECKED, MOST_CHECKED = 1 / 20, 16, 512


def batches(
    scene: Scene,
    settings: TrainSettings,
    augment: Augment,
    features: Sample | None,
    frozen: tuple[Sample, Sample] | None,
) -> PosedImagesModule:
    """Return batches of features where they were computed beforehand, else of images or of rendered views.

    ``features`` are of the training images and their augmented versions, ``frozen`` of the training and the
    validation images, and hold for the whole training. ``augment`` changes training images that stream.
    """
    images = len(scene.views["train"])
    length = len(features.query.name) if features else images
    count = min(max(int(length * CHECKED_SHARE), LEAST_CHECKED), MOST_CHECKED, images)
    rows = evenly_spaced(images, count)
    train: Any
    val: Any
    check: Any
    if frozen:
        val, check = StackedSamples(frozen[1]), StackedSamples(take(frozen[0], rows))
    else:
        val, check = scene.images("val"), Subset(scene.images("train"), rows.tolist())
    if features:
        train = StackedSamples(features)
    elif scene.is_live:
        train = scene.live_images("train", settings.seed)
    else:
        train = scene.images("train", whole=True)
    kind = AerialLiveModule if scene.is_live and not features else PosedImagesModule
    how = (settings.batch_size, settings.workers, settings.seed, None if features else augment)
    return kind(train, val, *how, settings.balance_scenes, check, scene.map, scene.offset_m)


def all_callbacks(
    run: Path, callbacks: Iterable[pl.Callback], averaged_steps: int | None
) -> list[pl.Callback]:
    """Return the given callbacks with those of every training: checkpoints, history, weight averaging.

    ``run`` is the training's folder; weights are averaged over ``averaged_steps`` for validation.
    """
    folder = run / "lightning"
    chosen = [
        ModelCheckpoint(folder, "best", monitor="val/score", enable_version_counter=False),
        ModelCheckpoint(folder, "last", enable_version_counter=False),
        StopNotFinite(),
        History(run / "history.csv"),
        *callbacks,
    ]
    if averaged_steps:
        # buffers, such as remembered training images, are not averaged
        chosen.append(EMAWeightAveraging(decay=1 - 1 / averaged_steps, use_buffers=False))
    return chosen


PRECISIONS = ("32-true", "32", "bf16-mixed", "16-mixed")  # the others round weights and positions


def on_devices(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return further arguments for the trainer of a config, for one device or several.

    Batches are divided by `PosedImagesModule`. Buffers stay each process's own: what is remembered of the training
    images is the same everywhere, and would be sent with every step.

    Raises:
        InputError: ``precision`` would round positions.
    """
    precision = str(node.get("precision", "32-true"))
    if precision not in PRECISIONS:
        raise InputError(
            f"trainer.precision={precision}: would round positions, or is not known; choose "
            f"{', '.join(PRECISIONS)}"
        )
    count = _count(node.get("devices", 1))
    arguments: dict[str, Any] = {"use_distributed_sampler": False}
    if "strategy" not in node and count * int(node.get("num_nodes", 1)) > 1:
        arguments["strategy"] = DDPStrategy(broadcast_buffers=False)
    return arguments


def _count(devices: Any) -> int:
    """Return how many devices a value of Lightning's names: 2, [0,1], "0,1", -1 or auto."""
    if devices in (-1, "-1", "auto"):
        return torch.cuda.device_count()
    if isinstance(devices, str):
        return (
            len([part for part in devices.split(",") if part]) if "," in devices else int(devices)
        )
    return len(devices) if isinstance(devices, list) else int(devices)


def fit(trainer: pl.Trainer, module: LightningLocalizer, data: PosedImagesModule) -> float:
    """Fit from the last checkpoint if there is one, and load the best weights -> their val/score."""
    run = Path(trainer.default_root_dir)
    if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
        print(f"to watch: tensorboard --logdir {run}", flush=True)
    last = newest_checkpoint(run / "lightning")
    module.train()  # Lightning keeps the mode, and computing features left evaluation mode behind
    try:
        trainer.fit(module, data, ckpt_path=last, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from None
    chosen = trainer.checkpoint_callback
    if not isinstance(chosen, ModelCheckpoint) or chosen.best_model_score is None:
        raise InputError(
            "trainer: it ended before its first validation, which chooses the checkpoint; set "
            "trainer.check_val_every_n_epoch to at most trainer.max_epochs"
        )
    best = read_tensors(Path(chosen.best_model_path), "overwrite=true starts again")
    module.load_state_dict(best["state_dict"])
    return float(chosen.best_model_score)
