"""The plain keys of configs/train.yaml, configs/evaluate.yaml and of their nodes: their types, ranges and choices.

Keys of a node with ``_target_`` are checked by the constructor that takes them; of constructors of other packages,
ranges are here. The command line and ``Run`` check a config by these classes (`core.schema.read_settings`);
configs/*.yaml hold the defaults and explain the keys. Imports nothing heavy, so that a mistake is reported before
torch is imported.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen

from hinted_posenet.core.limits import REFINEMENT_STEPS, SEED

Count = Annotated[int, Ge(1)]
NonNegative = Annotated[int, Ge(0)]
Seed = Annotated[int, Ge(0), Le(SEED)]
Number = int | float  # a whole number stays one, as tables print it
Threshold = Annotated[Number, Gt(0)]
Text = Annotated[str, MinLen(1)]
Pixels = Annotated[int, Ge(32)]  # five halvings of a backbone leave at least one cell
Accelerator = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class TrainSettings:
    """What configures the training itself; configs/train.yaml explains the keys."""

    name: Text
    seed: Seed
    refinement_steps: Annotated[Count, Le(REFINEMENT_STEPS)]
    batch_size: Count
    augmented_views: NonNegative
    averaged_steps: Count | None
    balance_scenes: bool
    feature_batch_size: Count
    image_cache_gb: Annotated[float, Ge(0)]
    workers: NonNegative
    threads: NonNegative
    accelerator: Accelerator
    resume: bool
    overwrite: bool
    verbose: bool


@dataclass(frozen=True)
class OptimSettings:
    """How parameters differ in what an optimizer does: the plain keys of ``optim``."""

    backbone_lr: Annotated[float, Gt(0)] = 1.0  # configs of your own need not state them
    decay_norms: bool = True


@dataclass(frozen=True)
class DataSettings:
    """Where the images of a scene are and which of them are used: the plain keys of ``data``."""

    name: Text
    root: Path
    scene: Text  # several with "+" between them
    ground_truth: Text
    height: Pixels
    width: Pixels
    crop: tuple[Count, Count] | None  # (height, width) in pixels
    validation: tuple[str, ...] | None  # training sequences to hold out
    exclude: tuple[str, ...]
    skip_faulty: bool
    recall_m_deg: tuple[tuple[Threshold, Threshold], ...]  # thresholds in metres and degrees


@dataclass(frozen=True)
class PathSettings:
    """Folders: configs/paths/default.yaml, and the run's own."""

    data: Path
    datasets: Path
    runs: Path
    cache: Path
    run: Path


@dataclass(frozen=True)
class OptimizerSettings:
    """Ranges of torch's optimizers, which check them only when training begins."""

    lr: Annotated[float, Ge(0)]
    weight_decay: Annotated[float, Ge(0)]


@dataclass(frozen=True)
class TrainerSettings:
    """Ranges of Lightning's Trainer, which has none for them."""

    max_epochs: Count
    gradient_clip_val: Annotated[float, Ge(0)] | None


@dataclass(frozen=True)
class EvaluateSettings:
    """What an evaluation asks for; configs/evaluate.yaml explains the keys."""

    checkpoint: Path
    map: str | None
    dem: str | None
    split: Literal["train", "val", "test"]
    out: Path | None
    overwrite: bool
    verbose: bool
    refinement_steps: Annotated[Count, Le(REFINEMENT_STEPS)] | None
    allow_other_scene: bool
    image_cache_gb: Annotated[float, Ge(0)]
    workers: NonNegative
    threads: NonNegative
    accelerator: Accelerator


@dataclass(frozen=True)
class MovedData:
    """Where the data of an evaluation are; None is where they were in training."""

    root: Path | None
    scene: Text | None
