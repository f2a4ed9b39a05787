"""Every part of a training on a simulated device: the CPU's bits, and never tensors of two devices."""

import itertools
from pathlib import Path
from unittest import mock

import pytest
import pytorch_lightning as pl
import torch
from poses import query, random_poses, sequences
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.strategies import SingleDeviceStrategy
from simulated_device import DEVICE, copies, on_host, simulated_device, waits
from tiny import OneConvolution, Workspace, config, equal_states, history, poses, weights

from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import StackedSamples, map_tensors, to
from hinted_posenet.inference.build import build
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training import run
from hinted_posenet.training.data_module import PosedImagesModule
from hinted_posenet.training.lightning_module import LightningLocalizer

ROWS = 24
CPU = torch.device("cpu")
REMEMBERED = ["train_hint.neighbours=2", "train_hint.candidates=4"]
SMALL = {
    "hinted_memory": ["head.neighbours=2", "head.width=8", *REMEMBERED],
    "embedding_leave_one_out": REMEMBERED,
}
FAST = ("hinted_residual", "hinted_memory", "embedding_mixed")
METHODS = (
    *FAST,
    *("posenet", "null_hint", "hinted_embedding", "hinted_fusion", "hinted_gated", "film"),
    *("cross_attention", "residual_camera", "residual_unbounded", "embedding_uniform"),
    *("embedding_leave_one_out", "residual_cascaded", "residual_mixed"),
)
CHOICES = (
    *("inference_hint=constant", "inference_hint=nearest", "inference_hint=prior"),
    *("loss=beta", "rotation=six_d", "rotation=log_quaternion", "pool=global"),
)
AUGMENTS = ("aerial", "colours", "none", "outdoor", "rotations", "strong")


@pytest.fixture(autouse=True)
def attention_of_the_device():
    """Attention as a device without kernels of its own computes it, on the CPU too."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield
    torch.backends.mha.set_fastpath_enabled(fast)


def made(device: torch.device, method: str, *words: str) -> LightningLocalizer:
    """A module as a training makes it, on a small backbone that is trained too."""
    plain = config("train", "data=seven_scenes", f"method={method}", *SMALL.get(method, []), *words)
    if "hidden" in plain["head"]:
        plain["head"]["hidden"] = 16
    torch.manual_seed(0)
    head = build(plain["head"], "head", rotation=build(plain["rotation"], "rotation"))
    backbone = OneConvolution().requires_grad_(True)
    if method == "film":  # it goes on with the stages of the backbone
        backbone = build(plain["backbone"], "backbone")
    model = PoseNet(backbone, build(plain["pool"], "pool"), head, plain["refinement_steps"])
    localizer = LocalizerModule(model, build(plain["inference_hint"], "inference_hint"))
    parts = (build(plain[key], key) for key in ("train_hint", "loss"))
    schedule = (build(plain["optim"][key], key) for key in ("optimizer", "scheduler"))
    return LightningLocalizer(localizer, *parts, *schedule, seed=0).to(device)


def images() -> Sample:
    """Of three drives."""
    asked = query(ROWS, torch.empty(ROWS, 0))
    image = torch.rand(ROWS, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    return Sample(asked._replace(image=image), random_poses(ROWS))


def measured(module: LightningLocalizer, sample: Sample) -> None:
    with torch.no_grad():
        feature = module.localizer.model.features(sample.query)[0]
    drives = sequences(ROWS, of=3).to(feature.device)
    module.fit_scene(sample.T_world_cam, feature, drives)


def learned(device: torch.device, *words: str) -> dict[str, torch.Tensor]:
    """What a module holds after two steps, calibration and a prediction; on the CPU."""
    module, sample = made(device, *words), to(images(), device)
    measured(module, sample)
    optimizer = module.optimizer([p for p in module.parameters() if p.requires_grad])
    for index in range(2):
        optimizer.zero_grad()
        module.training_step(sample, index).backward()
        for name, weight in module.named_parameters():
            assert not weight.requires_grad or weight.grad is not None, name
        optimizer.step()
    localizer = module.localizer.eval()
    with torch.no_grad():
        feature = localizer.model.features(sample.query)[0]
    drives = sequences(ROWS, of=3).to(device)
    scale_m = localizer.model.frame.scale_m
    localizer.uncertainty.fit(sample.T_world_cam, feature, drives, scale_m)
    localizer.calibrate(sample)
    with torch.inference_mode():
        answer = localizer.answer(sample.query)
    state = {name: on_host(value) for name, value in module.state_dict().items()}
    return state | {"t": on_host(answer.pose.t), "covariance": on_host(answer.covariance)}


def same_on_the_device(*words: str) -> None:
    expected = learned(CPU, *words)
    with simulated_device() as device:
        found = learned(device, *words)
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert not different


def slow(values):
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.mark.parametrize("method", [*FAST, *slow(METHODS[len(FAST) :])])
def test_a_method_learns_and_answers_on_a_device_as_on_the_cpu(method):
    same_on_the_device(method)


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_gives_the_same_on_a_device(choice):
    same_on_the_device("hinted_residual", choice)


@pytest.mark.parametrize("name", AUGMENTS)
def test_an_augmentation_gives_the_same_on_a_device(name):
    augment = build(config("train", "data=seven_scenes", f"augment={name}")["augment"], "augment")

    def augmented(device: torch.device) -> Sample:
        drawn = augment(to(images(), device), torch.Generator().manual_seed(0))
        return map_tensors(on_host, drawn)

    expected = augmented(CPU)
    with simulated_device() as device:
        found = augmented(device)
    map_tensors(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), found, expected)


BACKBONES = (
    ["backbone=tf_efficientnet_lite0", "backbone.trainable=last"],
    ["backbone=resnet18", "backbone.weights=null"],
    ["backbone=googlenet", "backbone.weights=null", "backbone.auxiliary=true"],
)


@pytest.mark.slow
@pytest.mark.parametrize("words", BACKBONES)
def test_a_backbone_gives_the_same_features_and_gradients_on_a_device(words):
    def computed(device: torch.device) -> list[torch.Tensor]:
        torch.manual_seed(0)
        plain = config("train", "data=seven_scenes", *words)["backbone"]
        backbone = build(plain, "backbone").train().to(device)
        torch.manual_seed(1)
        image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        maps = backbone(image.to(device))
        sum(part.square().mean() for part in maps).backward()
        gradients = [p.grad for p in backbone.parameters() if p.grad is not None]
        assert gradients
        return [on_host(part) for part in (*maps, *gradients)]

    expected = computed(CPU)
    with simulated_device() as device:
        found = computed(device)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours, theirs)


class Waited(pl.Callback):
    """Counts what makes the host wait for the device, from the start of a step to that of the next."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def on_train_batch_start(self, *_) -> None:
        self.steps.append((copies.total(), waits.total()))


@pytest.mark.slow
@pytest.mark.parametrize("augment", AUGMENTS)
def test_an_augmentation_waits_for_little(augment):
    # kornia copies the gain of a gamma, and looks at the widths of a blur
    test_a_training_step_waits_for_nothing("hinted_residual", augment, at_most=(2, 1))


@pytest.mark.parametrize("method", [*FAST, *slow(METHODS[len(FAST) :])])
def test_a_training_step_waits_for_nothing(method, augment="none", at_most=(0, 0)):
    waited = Waited()
    strategy = SingleDeviceStrategy(DEVICE, accelerator=SimulatedAccelerator())
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    options |= {"enable_model_summary": False, "gradient_clip_val": 1.0, "max_epochs": 1}
    with simulated_device() as device:
        module = made(device, method)
        measured(module, to(images(), device))
        data = StackedSamples(images())
        drawn = config("train", "data=seven_scenes", f"augment={augment}")["augment"]
        how = {"workers": 0, "seed": 0, "augment": build(drawn, "augment")}
        batches = PosedImagesModule(data, data, batch_size=4, **how)
        trainer = pl.Trainer(strategy=strategy, callbacks=[waited], limit_val_batches=0, **options)
        trainer.fit(module, batches)
    # the first step makes the optimizer's state, the last one ends the epoch
    between = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(waited.steps[1:])]
    assert len(between) == 4
    assert max(between) <= at_most
    assert max(found[1] for found in between) <= at_most[1]


class SimulatedAccelerator(CPUAccelerator):
    """Lightning's part of the device."""

    def setup_device(self, device: torch.device) -> None:
        """Nothing has to be set up."""


def _build(node, slot, **arguments):
    if slot == "trainer":
        strategy = SingleDeviceStrategy(DEVICE, accelerator=SimulatedAccelerator())
        arguments |= {"accelerator": "auto", "strategy": strategy}
    return build(node, slot, **arguments)


def trained(place: Workspace, *words: str) -> Path:
    """The folder of a whole training on the device."""
    with (
        simulated_device(),
        mock.patch.object(run, "build", _build),
        mock.patch.object(run, "prepare_device", lambda *_: DEVICE),
    ):
        return place.train(*words, "name=simulated")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["method=hinted_residual", "refinement_steps=2"],
        [
            *("method=hinted_memory", *SMALL["hinted_memory"], "backbone.trainable=last"),
            *("inference_hint=constant", "refinement_steps=3"),
        ],
        ["method=hinted_fusion", "backbone.trainable=last", "augment=strong"],
    ],
)
def test_a_whole_training_on_a_device_is_that_on_the_cpu(tmp_path, words):
    place = Workspace(tmp_path)
    on_cpu, on_device = place.train(*words, "name=cpu"), trained(place, *words)
    assert poses(on_device) == poses(on_cpu)
    assert history(on_device) == history(on_cpu)
    assert equal_states(weights(on_device), weights(on_cpu))
