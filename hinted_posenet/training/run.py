"""From config dictionaries to typed objects: the only file of this room that knows the keys of a config."""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.schema import read_settings
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.splits import SEPARATOR
from hinted_posenet.hints.protocol import InferenceHints
from hinted_posenet.inference.build import build, build_localizer, describe_hint
from hinted_posenet.inference.checkpoint import (
    Checkpoint,
    load_localizer,
    read_checkpoint,
    with_map,
)
from hinted_posenet.inference.checkpoint_config import trained_on
from hinted_posenet.inference.localizer import LocalizerModule, prepare_device
from hinted_posenet.training.fitting import all_callbacks, on_devices, quiet_lightning
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.parts import grouped
from hinted_posenet.training.resuming import KeptCheckpoints
from hinted_posenet.training.run_folder import RunFolder, check_names
from hinted_posenet.training.scene import Scene
from hinted_posenet.training.settings import (
    DataSettings,
    EvaluateSettings,
    OptimSettings,
    TrainSettings,
)

log = logging.getLogger(__name__)


def run_folder(config: dict[str, Any]) -> RunFolder:
    """Return the folder of a training config's run."""
    settings = read_settings(TrainSettings, config)
    check_names(config)
    return RunFolder(Path(config["paths"]["run"]), config, settings.resume, settings.overwrite)


def read_scene(
    config: dict[str, Any], prior_splits: Collection[str] = (), offset_m: torch.Tensor | None = None
) -> Scene:
    """Read the scene of a training config: its labels, and its images into the cache.

    ``prior_splits`` are the splits whose priors an inference hint reads, ``offset_m`` is a checkpoint's.
    """

    def live() -> Any:
        return build(
            config["data"]["live"],
            "live",
            world=build(config["world"], "world"),
            camera=build(config["camera"], "camera"),
            flights={name: build(node, "flight") for name, node in config["flights"].items()},
        )

    return Scene(
        read_settings(DataSettings, config["data"], "data."),
        build(config["data"]["reader"], "reader"),
        Path(config["paths"]["cache"]),
        read_settings(TrainSettings, config),
        live if "live" in config["data"] else None,
        prior_splits,
        offset_m,
    )


def describe_run(config: dict[str, Any], hint: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what results.json says about a run, which may be asked with another inference hint."""
    if hint is not None:
        config = {**config, "inference_hint": hint}
    described = describe_hint(config["inference_hint"])
    about = {"name": config["name"], "seed": config["seed"]}
    return {**about, "inference_hint": described, "config": config}


def takes_hints(config: dict[str, Any]) -> bool:
    """Return whether a method is trained or asked with hints; PoseNet and the null-hint control are not."""
    return any(build(config[key], key).gives_hints for key in ("train_hint", "inference_hint"))


def reads_same_features(config: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two methods read the same features, so that answers of one are a hint for the other."""
    return all(config[key] == other[key] for key in ("backbone", "pool"))


@dataclass(frozen=True)
class Run:
    """Everything that a training is made of."""

    settings: TrainSettings
    device: torch.device  # of features and predictions, that of the trainer
    scene: Scene
    augment: Augment
    localizer: LocalizerModule
    module: LightningLocalizer  # wraps the localizer
    trainer: pl.Trainer

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build everything; nothing is computed or written yet, but images are decoded into the cache."""
        settings = read_settings(TrainSettings, config)
        source: InferenceHints = build(config["inference_hint"], "inference_hint")
        if source.oracle:
            raise InputError(
                "inference_hint=oracle: only evaluate takes it; train with another inference_hint"
            )
        trained_on(config)  # refuses what could not be loaded again
        device = _set_up(settings.accelerator, settings.threads, settings.seed)
        devices = on_devices(config["trainer"])
        localizer = build_localizer(config)
        hint, loss = (build(config[key], key) for key in ("train_hint", "loss"))
        optimizer, scheduler = (
            build(config["optim"][key], key) for key in ("optimizer", "scheduler")
        )
        optim = read_settings(OptimSettings, config["optim"], "optim.")
        optimizer = grouped(optimizer, localizer.model.backbone, optim)
        module = LightningLocalizer(localizer, hint, loss, optimizer, scheduler, settings.seed)
        folder = Path(config["paths"]["run"])
        callbacks = (build(node, "callback") for node in config["callbacks"].values())
        trainer: pl.Trainer = build(
            config["trainer"],
            "trainer",
            accelerator=settings.accelerator,
            callbacks=all_callbacks(folder, callbacks, settings.averaged_steps),
            logger=build(logger, "logger", save_dir=str(folder))
            if (logger := config["logger"])
            else False,
            default_root_dir=str(folder),
            plugins=[KeptCheckpoints()],
            **devices,
        )
        if device.type != "cpu":  # each of several processes has its own
            device = trainer.strategy.root_device
        augment = build(config["augment"], "augment", crop_px=config["data"]["crop"])
        # last, as reading the images takes long: mistakes in the config are found before
        scene = read_scene(config, {"val", "test"} if source.reads_prior else ())
        return cls(settings, device, scene, augment, localizer, module, trainer)


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation of a checkpoint is made of."""

    split: str
    folder: Path  # of the results
    device: torch.device
    scene: Scene
    trained_scene: (
        Scene | None
    )  # the same, unless another scene is asked for; None: not there any more
    checkpoint: Checkpoint
    localizer: LocalizerModule
    inference_hint: InferenceHints | None  # in place of the trained one
    refinement_steps: int | None  # to calibrate anew; None keeps the trained calibration
    about: dict[str, Any]  # see `describe_run`
    verbose: bool  # whether all of the results is printed

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build everything; refuse a folder that holds results unless it may be overwritten."""
        asked = read_settings(EvaluateSettings, config)
        device = _set_up(asked.accelerator, asked.threads, seed=0)
        checkpoint = with_map(read_checkpoint(asked.checkpoint), asked.map, asked.dem)
        merged = _merged(config, checkpoint.config)
        hint, steps = config.get("inference_hint"), asked.refinement_steps
        scene = merged["data"]["scene"]
        other_scene = scene if scene != checkpoint.trained_on.scene else None
        name = result_name(asked.split, other_scene, hint, steps)
        folder = asked.out or checkpoint.path.parent / "evaluate" / name
        if (folder / "results.json").is_file() and not asked.overwrite:
            raise InputError(
                f"{folder}: holds results; overwrite=true replaces them, out=FOLDER writes elsewhere"
            )
        localizer = load_localizer(checkpoint).to(device)
        source: InferenceHints | None = build(hint, "inference_hint") if hint else None
        calibrates = bool(source or steps)
        scored, calibrated = {asked.split}, {"val"} if calibrates else set()
        if not (source or localizer.inference_hint).reads_prior:
            scored, calibrated = set(), set()
        about = describe_run(merged)
        if other_scene:
            trained_scene = _trained_scene(merged, checkpoint, calibrated)
            if calibrates and not trained_scene:
                raise InputError(
                    "inference_hint, refinement_steps: are calibrated on the scene that the checkpoint was "
                    "trained on, which cannot be read; put it back, or leave them out"
                )
            about["trained_on"] = checkpoint.trained_on.identity
            read = read_scene(merged, scored, checkpoint.place.offset_m)
        else:
            splits = scored | calibrated
            read = trained_scene = read_scene(merged, splits, checkpoint.place.offset_m)
        return cls(
            asked.split,
            folder,
            device,
            read,
            trained_scene,
            checkpoint,
            localizer,
            source,
            merged["refinement_steps"] if calibrates else None,
            about,
            asked.verbose,
        )


def result_name(
    split: str, scene: str | None, hint: dict[str, Any] | None, refinement_steps: int | None
) -> str:
    """Return the name of a folder for an evaluation, made of everything that differs from the training."""
    described = describe_hint(hint) if hint else {}
    parts = [scene, split, described.pop("name", None)]
    parts += [f"{key}={value}" for key, value in described.items()]
    parts += [f"steps={refinement_steps}" if refinement_steps else None]
    return re.sub(r"[^\w.=+-]+", "_", "-".join(part for part in parts if part))


def _trained_scene(
    merged: dict[str, Any], checkpoint: Checkpoint, prior_splits: Collection[str]
) -> Scene | None:
    """Read the scene that a checkpoint was trained on; say so where it is not there any more, and return None."""
    data = checkpoint.config["data"]
    for root in dict.fromkeys((data["root"], merged["data"]["root"])):
        folders = (Path(root, name) for name in data["scene"].split(SEPARATOR))
        if "live" in data or all(folder.is_dir() for folder in folders):
            config = {**merged, "data": {**data, "root": root}}
            return read_scene(config, prior_splits, checkpoint.place.offset_m)
    log.warning(
        "%s: not in %s any more; without its training images there are no controls",
        *(data["scene"], data["root"]),
    )
    return None


def _merged(config: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Return the training config with what an evaluation may change; refuse another scene unasked."""
    given = {key: value for key, value in config["data"].items() if value is not None}
    data = {**trained["data"], **given}
    if data["scene"] != trained["data"]["scene"]:
        if not config["allow_other_scene"]:
            raise InputError(
                f"data.scene={data['scene']}: the checkpoint was trained on scene {trained['data']['scene']} of "
                f"{trained['data']['name']}; leave data.scene out, or give allow_other_scene=true"
            )
        # these named sequences and frames of the trained scene
        data |= {"validation": None, "exclude": []}
    here = ("paths", "workers", "threads", "accelerator", "image_cache_gb")
    taken = {key: config[key] for key in here}
    for key in ("inference_hint", "refinement_steps"):
        taken[key] = config.get(key) or trained[key]
    return {**trained, **taken, "data": data}


def _set_up(accelerator: str, threads: int, seed: int) -> torch.device:
    """Seed all random numbers, and return the device that features are computed on."""
    quiet_lightning()
    device = prepare_device(accelerator, threads)
    pl.seed_everything(seed, workers=True, verbose=False)
    return device
