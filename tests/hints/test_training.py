"""Every source of training hints in a real, tiny training."""

import copy

import pytest
import torch
from poses import generator, random_poses
from tiny import Workspace

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.training.lightning_module import LightningLocalizer

SOURCES = sorted(path.stem for path in (config_folder() / "train_hint").glob("*.yaml"))
TWO_STEPS = ["method=hinted_residual", "batch_size=8", "trainer.max_epochs=1"]
SOONER = {"cascaded": ["train_hint.ramp_steps=1"]}  # answers from the second step on


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.mark.parametrize("source", SOURCES)
def test_two_steps_train_and_fitted_hints_depend_on_their_generator_alone(
    place, monkeypatch, source
):
    seen = []
    step = LightningLocalizer.training_step

    def spy(module: LightningLocalizer, *batch):
        loss = step(module, *batch)
        seen.append((module.train_hint, loss.item()))
        return loss

    monkeypatch.setattr(LightningLocalizer, "training_step", spy)
    place.train(*TWO_STEPS, f"train_hint={source}", *SOONER.get(source, []), f"name={source}")
    assert torch.tensor([loss for _, loss in seen]).isfinite().tolist() == [True, True]

    truth, trained = random_poses(64, half_extent_m=0.3), seen[0][0]
    first, again = (
        copy.deepcopy(trained).for_training(truth, truth.t, generator(), lambda *_: truth)
        for _ in range(2)
    )
    for left, right in zip((*first.pose, *first[1:]), (*again.pose, *again[1:]), strict=True):
        assert torch.equal(left, right)
