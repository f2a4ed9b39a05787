"""Small localizers and small runs: real trainings on a few 64 x 48 images."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import fakes
import pytest
import torch
from poses import PLACE, query, random_poses, sequences
from torch import nn

from hinted_posenet.cli.compose import compose as config
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Sample
from hinted_posenet.hints.protocol import InferenceHints, TrainingHints
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import save_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.backbones.base import ImageBackbone
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.hinted_embedding import HintedEmbeddingHead
from hinted_posenet.models.heads.hinted_residual import HintedResidualHead
from hinted_posenet.models.heads.pose_regression import PoseRegressionHead
from hinted_posenet.models.losses import LearnedWeightsLoss
from hinted_posenet.models.posenet import GridPool, PoseNet
from hinted_posenet.training.data_module import PosedImagesModule
from hinted_posenet.training.evaluate import evaluate
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.train import train

HEADS = {
    "plain": partial(PoseRegressionHead, hidden=16, dropout=0.2),
    "embedding": partial(HintedEmbeddingHead, hidden=16, dropout=0.2, embedding=8),
    "residual": partial(
        HintedResidualHead, hidden=16, dropout=0.2, embedding=8, axes="world", bound=4.0
    ),
}
TINY = [
    "data.height=64",
    "data.width=64",
    "head.hidden=32",
    "trainer.max_epochs=2",
    "augmented_views=1",
    "batch_size=4",
    "feature_batch_size=4",
    "accelerator=cpu",
    "threads=1",
]


class OneConvolution(ImageBackbone):
    """A backbone of 8 channels."""

    def __init__(self) -> None:
        network = nn.Conv2d(3, 8, 8, stride=8)
        super().__init__(network, network, (8,), (0.5,) * 3, (0.5,) * 3, "none")

    def maps(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.network(image),)


def small_localizer(
    head: str, inference_hint: InferenceHints | None = None, refinement_steps: int = 1
) -> LocalizerModule:
    """A localizer for features (B, 8, 2, 2)."""
    model = PoseNet(
        OneConvolution(), GridPool(2), partial(HEADS[head], rotation=Quaternion()), refinement_steps
    )
    return LocalizerModule(model, inference_hint or NoHint())


def trainable(
    localizer: LocalizerModule, train_hint: TrainingHints, seed: int = 0
) -> LightningLocalizer:
    """The localizer as Lightning trains it, by plain gradient descent."""
    return LightningLocalizer(
        localizer,
        train_hint,
        loss=LearnedWeightsLoss(),
        optimizer=partial(torch.optim.SGD, lr=1e-3),
        scheduler=lambda optimizer, total_steps: torch.optim.lr_scheduler.ConstantLR(optimizer),
        seed=seed,
    )


@contextmanager
def undrawn() -> Iterator[None]:
    """Trainings without their learning curve, which is a third of the time that a tiny one takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hinted_posenet.training.train.learning_curve", lambda *_: None)
        yield


class Workspace:
    """A folder with a fake scene, where runs are trained and evaluated."""

    def __init__(self, folder: Path, frames: int = 4):
        self.folder = folder
        self.scene = fakes.write_seven_scenes(folder / "data" / "seven_scenes", frames=frames)
        self.paths = [
            f"paths.data={folder / 'data'}",
            f"paths.runs={folder / 'runs'}",
            f"paths.cache={folder / 'cache'}",
        ]

    def train_overrides(self, *overrides: str) -> list[str]:
        return ["data=seven_scenes", *self.paths, *TINY, *overrides]

    def train(self, *overrides: str, drawn: bool = False) -> Path:
        """Train; the run's folder."""
        plain = config("train", *self.train_overrides(*overrides))
        with nullcontext() if drawn else undrawn():
            train(plain)
        return Path(plain["paths"]["run"])

    def evaluate(self, run: Path, name: str | None, *overrides: str) -> Path:
        """Evaluate into a folder of that name, or where it goes by itself; the folder of the results."""
        arguments = [f"checkpoint={run}", "accelerator=cpu", "threads=1", *self.paths]
        arguments += [f"out={self.folder / name}"] if name else []
        return evaluate(config("evaluate", *arguments, *overrides))


def results(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return loaded


def poses(folder: Path, prefix: str = "T_cam_world", method: str = "pass ") -> list[list[str]]:
    """The columns of poses.csv that start so, of the methods that start so; as the text they are."""
    with (folder / "poses.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["method"].startswith(method)]
    assert rows
    return [[value for key, value in row.items() if key.startswith(prefix)] for row in rows]


def weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "localizer.ckpt", weights_only=True)["state"]
    return state


def equal_states(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def history(run: Path) -> list[dict[str, str]]:
    """Losses and errors of every epoch, which tell the weights that are not kept."""
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def cut_power_at_epoch(epoch: int, patch: pytest.MonkeyPatch) -> None:
    """A training stops before that epoch, counted from 0."""
    original = PosedImagesModule.train_dataloader

    def train_dataloader(module: PosedImagesModule):
        if module.trainer.current_epoch == epoch:
            raise RuntimeError("power cut")
        return original(module)

    patch.setattr(PosedImagesModule, "train_dataloader", train_dataloader)


def small_checkpoint(folder: Path, *overrides: str) -> Path:
    """Write a localizer with random weights that has seen a training and a validation set."""
    torch.manual_seed(0)
    plain = config("train", "data=seven_scenes", *TINY, "pool=global", *overrides)
    localizer = build_localizer(plain).eval()
    for parameter in localizer.model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    truth, feature = random_poses(60), torch.rand(60, 112, 1, 1)
    localizer.fit(truth, feature, sequences(60, of=3))
    localizer.uncertainty.fit(truth, feature, sequences(60, of=3), localizer.model.frame.scale_m)
    localizer.calibrate(Sample(query(60, torch.rand(60, 112, 1, 1)), random_poses(60, seed=9)))
    place = PLACE._replace(origin=Origin(6.6, 46.5, 400.0, "geoid"))
    save_checkpoint(folder / "localizer.ckpt", localizer, plain, "key", place)
    return folder
