"""In half precision only the backbone is rounded; poses, hints and comparisons are those of float32."""

from functools import partial

import pytest
import torch
from ground import cameras, ground, prior, rendered
from poses import generator, hints, query, random_poses, sequences
from tiny import Workspace, small_localizer, trainable

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample
from hinted_posenet.hints.gaussian import GaussianHints
from hinted_posenet.hints.retrieval import LeaveOneOutHints, RetrievalHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    take_surroundings,
)
from hinted_posenet.training.fitting import on_devices
from hinted_posenet.training.lightning_module import LightningLocalizer

ROWS = 24
HALF = partial(torch.autocast, "cpu", dtype=torch.bfloat16)


def memory_localizer() -> LocalizerModule:
    small = small_localizer("residual", RetrievalHint())
    head = partial(HintedMemoryHead, rotation=Quaternion(), width=8, hidden=16, neighbours=3)
    model = PoseNet(small.model.backbone, small.model.pool, head, refinement_steps=2)
    return LocalizerModule(model, RetrievalHint())


def made(name: str) -> tuple[LightningLocalizer, Sample]:
    """A module whose scene of 600 m is measured, and its images."""
    torch.manual_seed(0)
    if name == "memory":
        localizer = memory_localizer()
        module = trainable(localizer, LeaveOneOutHints(3, 4, 0.5))
    else:
        localizer = small_localizer(name, RetrievalHint(), refinement_steps=2)
        module = trainable(localizer, GaussianHints(0.01, 1.0, 1.0, 45.0, 0.3, 0.0))
    for parameter in localizer.model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    truth = random_poses(ROWS, half_extent_m=300.0)
    feature = torch.randn(ROWS, 8, 2, 2, generator=generator(1))
    module.fit_scene(truth, feature, sequences(ROWS, of=3))
    return module, Sample(query(ROWS, feature), truth)


@pytest.mark.parametrize("name", ["plain", "residual", "embedding", "memory"])
def test_training_and_answers_on_features_are_those_of_float32(name):
    module, sample = made(name)
    exact = module.training_step(sample, 0)
    with HALF():
        assert torch.equal(module.training_step(sample, 0), exact)
    localizer = module.localizer.eval()
    localizer.uncertainty.fit(
        sample.T_world_cam,
        sample.query.feature,
        sequences(ROWS, of=3),
        localizer.model.frame.scale_m,
    )
    with torch.no_grad():
        localizer.calibrate(sample)
        expected = localizer.predict(sample.query)
        validated = module.validation_step(sample, 0)
        with HALF():
            found = localizer.predict(sample.query)
            assert torch.equal(module.validation_step(sample, 0)["t"], validated["t"])
    assert torch.equal(found.poses[-1].t, expected.poses[-1].t)
    assert torch.equal(found.answers[-1].covariance, expected.answers[-1].covariance)


def test_the_backbone_does_run_in_half_precision():
    module, _ = made("residual")
    image = torch.rand(2, 3, 16, 16)
    asked = query(2, torch.empty(2, 0))._replace(image=image)
    model = module.localizer.model
    exact = model.features(asked)[0]
    with HALF():
        rounded = model.features(asked)[0]
        assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).abs().max() < 0.02 * exact.abs().max()


def test_comparisons_with_remembered_images_are_those_of_float32():
    memory = memory_localizer().model.head.memory
    truth, feature = random_poses(ROWS, half_extent_m=300.0), torch.randn(ROWS, 8, 2, 2)
    memory.fit(truth, feature)
    asked = hints(truth, 5.0, 0.1)
    expected = memory.log_likelihood(feature, asked)
    with HALF():
        assert torch.equal(memory.log_likelihood(feature, asked), expected)


def test_registration_to_a_map_is_that_of_float32():
    torch.manual_seed(0)
    model, over, pose = GroundRegistration().eval(), ground(), cameras(1, seed=4)
    views, hint = rendered(over, pose), prior(pose, 10.0, 2.0)
    around = take_surroundings(over, views, hint)
    with torch.inference_mode():
        expected = model(views, hint, around).answer
        with HALF():
            found = model(views, hint, around).answer
    assert torch.equal(found.pose.t, expected.pose.t)
    assert torch.equal(found.covariance, expected.covariance)


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true", "half"])
def test_a_precision_that_rounds_positions_is_refused(precision):
    with pytest.raises(InputError, match=f"trainer.precision={precision}"):
        on_devices({"precision": precision})


@pytest.mark.slow
def test_a_whole_training_in_half_precision(tmp_path):
    run = Workspace(tmp_path).train(
        "method=hinted_residual", "backbone.trainable=last", "trainer.precision=bf16-mixed"
    )
    assert (run / "results.json").is_file()


@pytest.mark.parametrize(
    "devices, several",
    [(1, False), ("1", False), ("0,", False), (2, True), ("0,1", True), ([0, 1], True)],
)
def test_all_ways_to_name_devices_are_counted(devices, several):
    assert ("strategy" in on_devices({"devices": devices})) == several
