"""Recipes of the field: each builds for every kind of data, and learns eight images by heart."""

import json
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from poses import query, random_poses, sequences
from tiny import config, small_localizer
from torch import nn

from hinted_posenet.core.schema import read_settings
from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import StackedSamples
from hinted_posenet.inference.build import build, build_localizer
from hinted_posenet.training.data_module import PosedImagesModule
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.parts import Steps, grouped
from hinted_posenet.training.settings import OptimSettings

RECIPES = ("posenet_2015", "posenet_2017", "mapnet_posenet", "atloc")
DATA = ("cambridge", "seven_scenes", "aerial")
IMAGES = 8
QUIET = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
QUIET |= {"enable_progress_bar": False, "enable_model_summary": False, "limit_val_batches": 0}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_the_same_for_all_data(recipe):
    parts = ("backbone", "pool", "head", "loss", "optim", "augment", "trainer", "batch_size")
    plain = [config("train", f"data={data}", f"method={recipe}") for data in DATA]
    chosen = [{part: one[part] for part in parts} for one in plain]
    assert json.dumps(chosen[0]) == json.dumps(chosen[1]) == json.dumps(chosen[2])
    assert chosen[0]["backbone"]["trainable"] == "all"
    for one in plain:
        assert one["name"] == recipe


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["posenet_2015"], ["atloc"], ["mapnet_posenet", "head=hinted_residual"]], ids=" ".join
)
def test_a_recipe_learns_a_few_images_by_heart(words):
    torch.manual_seed(0)
    recipe, *rest = words
    plain = config("train", "data=cambridge", f"method={recipe}", "backbone.weights=null", *rest)
    localizer = build_localizer(plain)
    model = localizer.model
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.5  # since there are few steps
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    hint, loss = (build(plain[key], key) for key in ("train_hint", "loss"))
    scheduler = build(plain["optim"]["scheduler"], "scheduler")
    optimizer = partial(torch.optim.Adam, lr=3e-4)
    module = LightningLocalizer(localizer, hint, loss, optimizer, scheduler, seed=0)
    truth, image = random_poses(IMAGES), torch.rand(IMAGES, 3, 64, 64)
    images = query(IMAGES)._replace(image=image, feature=torch.empty(IMAGES, 0))
    with torch.no_grad():
        feature = model.eval().features(images)[0]
    module.fit_scene(truth, feature, sequences(IMAGES, of=2))
    whole = StackedSamples(Sample(images, truth))
    data = PosedImagesModule(whole, whole, batch_size=IMAGES, workers=0, seed=0)

    @torch.no_grad()
    def error_m() -> float:
        model.eval()
        feature = model.features(images)[0]
        asked = localizer.inference_hint.at_inference(images, feature)
        return float((model(feature, asked).t - truth.t).norm(dim=-1).median())

    before_m = error_m()
    module.train()
    pl.Trainer(max_epochs=30, **QUIET).fit(module, data)
    assert error_m() < 0.4 * before_m


def test_a_backbone_learns_at_its_own_rate_and_biases_do_not_decay():
    model = small_localizer("plain").model.requires_grad_(True)
    make = partial(torch.optim.AdamW, lr=0.1, weight_decay=0.2)
    optimizer = grouped(make, model.backbone, OptimSettings(0.01, False))(model.parameters())
    of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert len(of) == len(list(model.parameters()))
    for parameter in model.backbone.parameters():
        assert of[id(parameter)]["lr"] == pytest.approx(0.001)
    for parameter in model.head.parameters():
        assert of[id(parameter)]["lr"] == 0.1
    for parameter in model.parameters():
        assert of[id(parameter)]["weight_decay"] == (0.2 if parameter.ndim > 1 else 0.0)


def test_parameters_are_of_one_group_unless_they_are_told_apart():
    model = small_localizer("plain").model.requires_grad_(True)
    make = partial(torch.optim.SGD, lr=0.1)
    optimizer = grouped(make, model.backbone, OptimSettings(1.0, True))(model.parameters())
    assert len(optimizer.param_groups) == 1


def test_an_optimizer_without_weight_decay_and_an_older_config_of_your_own_still_work():
    model = small_localizer("plain").model.requires_grad_(True)
    settings = read_settings(OptimSettings, {"optimizer": {}, "scheduler": {}}, "optim.")
    made = grouped(torch.optim.Rprop, model.backbone, settings)(model.parameters())
    assert len(made.param_groups) == 1


def test_steps_warm_up_and_fall():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = Steps(optimizer, total_steps=100, warmup=0.04, at=(0.5, 0.75), factor=0.1)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[49] == 1.0 and rates[50] == pytest.approx(0.1)
    assert rates[74] == pytest.approx(0.1) and rates[75] == pytest.approx(0.01)
