"""Every choice of every group composes, and builds on the CPU without a download."""

import functools
from pathlib import Path

import pytest
import torch
import yaml
from tiny import config

from hinted_posenet.cli.help import groups_of
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.types import Hint, Pose, Query, without_local
from hinted_posenet.inference.build import _unweighted, build, build_localizer

WITH_TARGET = ("augment", "trainer")  # of a training config, beside the localizer
# methods that bring a backbone whose weights would be downloaded
RECIPES = [f"method={name}" for name in ("atloc", "mapnet_posenet", "posenet_2015", "posenet_2017")]
NEEDS = {  # mandatory values of single choices
    "backbone=timm": ["backbone.name=test_vit", "pool=global"],
    "inference_hint=oracle": ["inference_hint.sigma_t_m=1", "inference_hint.sigma_r_deg=1"],
    "data=colmap": ["data.scene=tower"],
    "data=transforms": ["data.scene=fox"],
    "data=tum": ["data.scene=desk"],
    "data=csv": ["data.scene=garden"],
    "data=ace": ["data.scene=pantry"],
    "data=llff": ["data.scene=fern"],
    "data=kapture": ["data.scene=plaza"],
    "data=polycam": ["data.scene=loft"],
    "data=record3d": ["data.scene=desk"],
}


def choices(*groups: str) -> list[str]:
    return [
        f"{group}={path.stem}"
        for group in groups
        for path in sorted((config_folder() / group).glob("*.yaml"))
    ]


def test_every_group_is_covered():
    groups = {path.name for path in config_folder().iterdir() if path.is_dir()}
    train = {
        "augment",
        "backbone",
        "callbacks",
        "data",
        "experiment",
        "head",
        "logger",
        "loss",
        "method",
        "optim",
        "refine",
    }
    train |= {"paths", "pool", "rotation", "inference_hint", "train_hint", "trainer"}
    assert groups - train == {
        *("camera", "climate", "flight", "format", "navigation", "recipe", "what", "world"),
        *("features", "matcher"),
    }


simulated = functools.cache(functools.partial(config, "simulate"))  # a recipe takes a second


def default_of(choice: str) -> str:
    """Weights that need no download."""
    return "null" if "lite0" not in choice else "packaged"


@pytest.mark.parametrize(
    "choice",
    [
        c
        for c in choices(
            *("augment", "backbone", "callbacks", "head", "logger", "loss", "method", "optim"),
            *("paths", "pool", "refine", "rotation", "inference_hint", "train_hint", "trainer"),
        )
        # test_train.py trains the network that the one needs, test_wandb_logger.py does without the package
        if c not in ("inference_hint=network", "logger=wandb")
    ],
)
def test_training_choice_builds_and_answers(choice):
    needs = NEEDS.get(choice, [])
    if choice.startswith("backbone="):
        needs = [*needs, f"backbone.weights={default_of(choice)}"]
    if choice in RECIPES:
        needs = [*needs, "backbone.weights=null"]
    plain = config("train", "data=seven_scenes", "accelerator=cpu", choice, *needs)
    for group in WITH_TARGET:
        build(plain[group], group)
    if plain["logger"]:
        build(plain["logger"], "logger", save_dir=".")
    for callback in plain["callbacks"].values():
        build(callback, "callback")
    localizer = build_localizer(plain).eval()
    size = 160 if "timm" in choice else 64
    truth = Pose(torch.randn(2, 3), torch.nn.functional.normalize(torch.randn(2, 4), dim=-1))
    prior = Hint.isotropic(truth, torch.ones(2), torch.ones(2))
    image = torch.rand(2, 3, size, size)
    query = Query(
        image,
        torch.empty(0),
        torch.eye(3).expand(2, 3, 3),
        prior,
        ["a", "b"],
        torch.zeros(2),
        without_local(2),
    )
    with torch.no_grad():
        localizer.fit(truth, localizer.model.features(query)[0], torch.arange(2))
        prediction = localizer.predict(query)
        hint, poses = prediction.hint, prediction.poses
        loss = build(plain["loss"], "loss")
        loss.fit(truth)
        assert loss(poses[-1], truth, hint).isfinite().all()
    assert len(poses) == plain["refinement_steps"]
    assert poses[-1].t.isfinite().all()
    assert hasattr(build(plain["train_hint"], "train_hint"), "for_training")
    trained = [p for p in localizer.parameters() if p.requires_grad]
    if trained:  # landmarks alone have nothing to train
        optimizer = build(plain["optim"]["optimizer"], "optimizer")(trained)
        build(plain["optim"]["scheduler"], "scheduler")(optimizer, total_steps=100)


@pytest.mark.parametrize("choice", choices("data"))
def test_data_choice_composes_and_its_reader_is_there(choice):
    data = config("train", choice, *NEEDS.get(choice, []))["data"]
    assert callable(build(data["reader"], "reader"))
    keys = {
        "name",
        "root",
        "scene",
        "ground_truth",
        "height",
        "width",
        "crop",
        "validation",
        "exclude",
        "skip_faulty",
        "recall_m_deg",
    }
    assert data.keys() - {"live"} == keys | {"reader"}


@pytest.mark.parametrize("choice", choices("recipe"))
def test_a_recipe_can_be_trained_on_live(choice):
    """With the world, the camera and the flights that `simulate` takes, whatever the training's seed."""
    plain, files = config("train", "data=aerial_live", choice, "seed=3"), simulated(choice)
    for key in ("world", "camera", "flights", "scene"):
        assert plain[key] == files[key], key
    assert plain["data"]["scene"] == files["scene"]
    assert plain["data"]["live"]["seed"] == files["seed"]


@pytest.mark.parametrize("choice", choices("recipe", "world", "camera"))
def test_simulate_choice_composes_and_its_parts_build(choice, tmp_path):
    needs = [f"world.source={tmp_path}"] if "orthophoto" in choice or "naip" in choice else []
    plain = simulated(choice, *needs)
    build(plain["camera"], "camera")
    flights = [build(flight, "flight") for flight in plain["flights"].values()]
    assert {flight.split for flight in flights} == {"train", "val", "test"}
    assert plain["world"]["_target_"].startswith("hinted_posenet.simulator.world.")
    if "generated" in plain["world"]["_target_"]:
        world = build(plain["world"] | {"size_m": 400}, "world")
        assert all(world.select(when) for flight in flights for when in flight.when)


@pytest.mark.parametrize("choice", choices("format"))
def test_export_choice_composes_and_builds(choice):
    plain = config("data export", "data=aerial", choice, "out=there")
    layout = build(plain["format"], "format")
    assert f"data={layout.reads_back}" in choices("data")


@pytest.mark.parametrize("choice", choices("features", "matcher"))
def test_landmarks_choice_builds_with_random_weights(choice):
    group, name = choice.split("=")
    node = yaml.safe_load((config_folder() / group / f"{name}.yaml").read_text())
    assert build(_unweighted(node), group).state_dict() or "weights" not in node


@pytest.mark.parametrize("choice", choices("what"))
def test_show_choice_builds(choice):
    assert build(config("show", choice)["what"], "picture").file.startswith(
        choice.removeprefix("what=")
    )


def test_show_takes_what_simulate_takes():
    shown = groups_of("show")
    assert shown.pop("what").default == "sheet"
    assert shown == groups_of("simulate")


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_other_verbs_compose(verb):
    needs = {"evaluate": [], "predict": ["images=images"]}[verb]
    assert config(verb, "checkpoint=run", *needs)["checkpoint"] == "run"


@pytest.mark.parametrize("choice", choices("inference_hint"))
def test_evaluate_takes_every_first_hint(choice):
    needs = ["inference_hint.checkpoint=x"] if "network" in choice else NEEDS.get(choice, [])
    plain = config("evaluate", "checkpoint=run", choice, *needs)
    assert plain["inference_hint"]["_target_"].startswith("hinted_posenet.")


def test_the_relative_folders_of_a_run_name_it():
    plain = config("train", "data=seven_scenes", "method=null_hint", "seed=3", "paths.runs=there")
    assert Path(plain["paths"]["run"]) == Path("there/seven_scenes/redkitchen/null_hint/seed-3")
