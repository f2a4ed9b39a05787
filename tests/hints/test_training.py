"""Every source of training hints in a real, tiny training."""

import pytest
import torch
from poses import generator, random_poses
from tiny import Workspace

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.training.localizer import Localizer

SOURCES = sorted(path.stem for path in (config_folder() / "train_hint").glob("*.yaml"))
TWO_STEPS = ["method=hinted_residual", "batch_size=8", "trainer.max_epochs=1"]
SOONER = {"cascaded": ["train_hint.ramp_steps=1"]}  # answers from the second step on


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.mark.parametrize("source", SOURCES)
def test_two_steps_train_and_the_checkpoint_goes_on_with_the_same_hints(place, monkeypatch, source):
    seen = []
    step = Localizer.training_step

    def spy(localizer: Localizer, *batch):
        loss = step(localizer, *batch)
        seen.append((localizer, loss.item()))
        return loss

    monkeypatch.setattr(Localizer, "training_step", spy)
    choice = [f"train_hint={source}", *SOONER.get(source, []), f"name={source}"]
    run = place.train(*TWO_STEPS, *choice)
    assert torch.tensor([loss for _, loss in seen]).isfinite().tolist() == [True, True]

    truth = random_poses(64, half_extent_m=0.3)
    trained, again = (
        localizer.train_hint.for_training(truth, truth.t, generator(), lambda *_: truth)
        for localizer in (seen[0][0], load_localizer(read_checkpoint(run)))
    )
    for expected, loaded in zip(
        (*trained.pose, *trained[1:]), (*again.pose, *again[1:]), strict=True
    ):
        assert torch.equal(loaded, expected)
