"""While a backbone is trained, what is remembered of training images is what that backbone sees in them now."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from poses import query, random_poses, sequences
from pytorch_lightning.callbacks import EMAWeightAveraging
from tiny import OneConvolution, Workspace, trainable
from torch import Tensor

from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import StackedSamples
from hinted_posenet.hints.cascaded import CascadedHints
from hinted_posenet.hints.kernel import KernelRegression
from hinted_posenet.hints.mixed import MixedHints
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.retrieval import (
    LeaveOneOutHints,
    NearestHint,
    NearestNeighbours,
    RetrievalHint,
)
from hinted_posenet.hints.retrieval_database import unit
from hinted_posenet.hints.trivial import ConstantHint, NoHint, UniformHints
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead
from hinted_posenet.models.posenet import GridPool, PoseNet
from hinted_posenet.training.data_module import PosedImagesModule
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.run import read_scene

ROWS = 12
QUIET = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
QUIET |= {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}


def drives() -> Sample:
    """Images of three drives."""
    asked = query(ROWS, torch.empty(ROWS, 0))
    image = torch.rand(ROWS, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return Sample(asked._replace(image=image), random_poses(ROWS))


@torch.no_grad()
def seen(module: LightningLocalizer) -> Tensor:
    """Features of the images by the backbone as it is."""
    return module.localizer.model.features(drives().query)[0]


def memory_module(neighbours: int = 3) -> LightningLocalizer:
    """Hinted Memory after retrieval, on a backbone that is trained."""
    torch.manual_seed(0)
    head = partial(
        HintedMemoryHead, rotation=Quaternion(), width=8, hidden=16, neighbours=neighbours
    )
    backbone = OneConvolution().requires_grad_(True)
    localizer = LocalizerModule(PoseNet(backbone, GridPool(2), head), RetrievalHint())
    source = LeaveOneOutHints(neighbours=neighbours, candidates=4, p_own=0.5)
    module = trainable(localizer, source)
    module.optimizer = partial(torch.optim.SGD, lr=0.3)
    drive = sequences(ROWS, of=3)
    module.training_set = lambda: (drives().T_world_cam, seen(module), drive)
    module.fit_scene(*module.training_set())
    return module


def fit(module: LightningLocalizer, *callbacks: pl.Callback) -> None:
    data = StackedSamples(drives())
    batches = PosedImagesModule(data, data, batch_size=4, workers=0, seed=0, train_check=data)
    trainer = pl.Trainer(max_epochs=3, callbacks=list(callbacks), gradient_clip_val=1.0, **QUIET)
    trainer.fit(module, batches)


class Looked(pl.Callback):
    """Compares what is remembered with what the backbone sees, whenever it is about to be used."""

    def __init__(self) -> None:
        self.validated = self.trained = 0
        self.moved = 0.0
        self.first: Tensor | None = None

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if batch_idx == 0:
            self.check(pl_module)
            self.trained += 1

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        if batch_idx == dataloader_idx == 0:
            self.check(pl_module)
            self.validated += 1

    def check(self, module: LightningLocalizer) -> None:
        now = unit(seen(module))
        if self.first is None:
            self.first = now
        self.moved = max(self.moved, (now - self.first).norm(dim=1).max().item())
        localizer = module.localizer
        for memory in (localizer.model.head.memory, localizer.inference_hint.memory):
            assert torch.equal(memory.feature, now.half())
        fresh = LeaveOneOutHints(3, 4, 0.5)
        fresh.fit(drives().T_world_cam, seen(module), sequences(ROWS, of=3))
        assert torch.equal(module.train_hint.rows, fresh.rows)


@pytest.mark.parametrize("averaged", [False, True])
def test_every_epoch_and_validation_compares_with_current_features(averaged):
    looked, module = Looked(), memory_module()
    averages = [EMAWeightAveraging(decay=0.5, use_buffers=False)] if averaged else []
    fit(module, looked, *averages)
    assert looked.trained == looked.validated == 3
    assert looked.moved > 0.05  # the backbone has changed, so that stale features would differ


def test_a_head_trains_on_what_was_measured_after_a_validation():
    """Validation runs in inference mode, whose tensors may not be trained with."""
    module = memory_module()
    fit(module)
    assert not module.localizer.model.head.unit_t_m.is_inference()
    assert module.localizer.model.training  # as before the pass over the training images


def test_features_are_computed_again_only_where_they_are_remembered_and_have_changed():
    asked = []
    module = memory_module()
    measured = module.training_set
    module.training_set = lambda: asked.append(1) or measured()
    module.refit_scene()
    assert not asked  # the backbone is as it was
    with torch.no_grad():
        module.localizer.model.backbone.network.bias.add_(1.0)
    module.refit_scene()
    module.refit_scene()
    assert len(asked) == 1


def test_what_looks_at_features_says_so():
    uniform, leave_one_out = UniformHints(), LeaveOneOutHints(1, 2, 0.5)
    mixed = {"a": uniform, "b": leave_one_out}
    for source in (
        RetrievalHint(),
        NearestNeighbours(),
        KernelRegression(),
        leave_one_out,
        MixedHints(mixed, {"a": 0.5, "b": 0.5}),
        CascadedHints(leave_one_out, 2, 0.5, 10),
    ):
        assert source.remembers_features, source
    for source in (
        *(NoHint(), PriorHint(), ConstantHint(), uniform, NearestHint()),
        MixedHints(mixed, {"a": 1.0}),
        CascadedHints(uniform, 2, 0.5, 10),
    ):
        assert not source.remembers_features, source
    assert not NetworkHint.fits_poses_alone  # it measures nothing


@pytest.mark.slow
@pytest.mark.parametrize("hint", ["retrieval", "constant"])
def test_a_checkpoint_remembers_what_its_trained_backbone_sees(tmp_path, hint):
    place = Workspace(tmp_path)
    run = place.train(
        *("method=hinted_memory", f"inference_hint={hint}", "backbone.trainable=last"),
        *("train_hint.neighbours=2", "train_hint.candidates=4", "head.neighbours=2"),
        *("head.width=8", "optim.optimizer.lr=0.01"),
    )
    localizer = load_localizer(read_checkpoint(run)).eval()
    remembered = localizer.model.head.memory
    images = read_scene(read_checkpoint(run).config).images("train")
    with torch.no_grad():
        batch = images.__getitems__(list(range(len(images))))
        now = unit(localizer.model.features(batch.query)[0])
    likeness = (remembered.feature.float() * now).sum(dim=1)
    assert likeness.min() > 0.999
    assert torch.equal(remembered.feature, localizer.uncertainty.memory.feature)
