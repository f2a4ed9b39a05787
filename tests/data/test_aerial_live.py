"""Views rendered while training: the same whatever renders them, and those of the files where they are fixed."""

import pickle
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from poses import assert_same

from hinted_posenet.cli.verb import call
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample
from hinted_posenet.data.formats import aerial
from hinted_posenet.data.live_views import AerialLive, LiveImages
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.inference.build import build
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Gnss
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.shots import BLOCK_PX
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import Capture, PixelGrid, World
from hinted_posenet.simulator.world.world import ArrayWorld
from hinted_posenet.training.data_module import AerialLiveModule, EpochOrder

PLAN = RandomPlan([90, 110], [-20, 20], 3)
FLIGHTS = {
    "train": Flight("train", ["spring", "summer"], 6, PLAN, navigation=Gnss(2.0, 4.0, 1.0)),
    "survey": Flight("train", ["summer"], 3, PLAN),
    "test": Flight("test", ["winter"], 2, PLAN),
}
LENS = (-0.1, 0.02, 0.001, 0.0, 0.0)
CAMERA = Camera(
    48, 40, hfov_deg=60.0, distortion=LENS, sensor=Sensor(noise_sigma=0.01, exposure_sigma_ev=0.1)
)


@pytest.fixture(scope="module")
def world() -> World:
    made: World = build(tiny.config("simulate", "recipe=tiny")["world"], "world")
    return made


def source(world: World, **options: int) -> AerialLive:
    settings = {"seed": 0, "blocks": 4, "memory_mb": 50, **options}
    return AerialLive(world, CAMERA, FLIGHTS, **settings)


def views(world: World, seed: int = 7) -> LiveImages:
    return source(world).images("train", 32, 32, seed)


def epochs(world: World, workers: int, *numbers: int) -> list[Sample]:
    """Batches of some epochs of one training."""
    images = views(world)
    images[0]  # in this process there is a scene already
    made = AerialLiveModule(images, images, batch_size=4, workers=workers, seed=0)
    made.trainer = SimpleNamespace(current_epoch=0, global_rank=0, world_size=1)
    loader, batches = made.train_dataloader(), list[Sample]()
    for number in numbers:
        made.trainer.current_epoch = number
        batches += loader
    return batches


# What a view depends on


@pytest.mark.slow
def test_processes_change_nothing(world):
    alone, together = (epochs(world, workers, 0, 1) for workers in (0, 2))
    assert len(alone) == 8
    for a, b in zip(alone, together, strict=True):
        assert_same(a, b)


def test_an_epoch_does_not_depend_on_those_before(world):
    whole, resumed = epochs(world, 0, 0, 1, 2), epochs(world, 0, 2)
    for a, b in zip(whole[8:], resumed, strict=True):
        assert_same(a, b)


def test_a_view_does_not_depend_on_what_was_rendered_before(world):
    images = views(world)
    forwards = [images[index] for index in (0, 7, 20, 33)]
    other = views(world)
    for index, sample in reversed(list(zip((0, 7, 20, 33), forwards, strict=True))):
        assert_same(other[index], sample)


def test_epochs_and_seeds_have_views_of_their_own(world):
    images, others = views(world), views(world, seed=8)
    first, second, other = (
        torch.stack([pictures[start + i].T_world_cam.t for i in range(15)])
        for pictures, start in ((images, 0), (images, 15), (others, 0))
    )
    for a, b in ((first, second), (first, other), (second, other)):
        assert torch.cdist(a, b).min() > 0.01
    assert len({image.query.name for image in map(images.__getitem__, range(15, 30))}) == 15


# Fixed views


def test_fixed_views_are_those_that_simulate_writes(world, tmp_path):
    simulate(world, FLIGHTS, CAMERA, tmp_path, "place", seed=3, image_format="png", threads=1)
    for split in ("train", "test"):
        files = PosedImages(aerial.read_views(tmp_path, "place", split), 32, 32)
        by_name = {
            sample.query.name: sample for sample in map(files.__getitem__, range(len(files)))
        }
        rendered = source(world, seed=3).images(split, 32, 32)
        assert len(rendered) == len(files) > 1
        tags = {view.name: (view.tags, view.sequence, view.time_s) for view in files.views}
        for index, view in enumerate(rendered.views):
            file, live = by_name[f"{view.name}.png"], rendered[index]
            assert torch.equal(live.query.image, file.query.image)
            for ours, theirs in (
                (live.T_world_cam, file.T_world_cam),
                (live.query.prior, file.query.prior),
            ):
                torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-4)
            assert torch.equal(live.query.K, file.query.K)
            assert (view.tags, view.sequence, view.time_s) == tags[f"{view.name}.png"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("camera", {"width": 48, "height": 40, "distortion": []}, "camera"),
        ("map", {"bounds_m": [0, 0, 1, 1]}, "world bounds"),
        ("recipe", {"seed": 5}, "world_seed"),
    ],
)
def test_files_of_another_recipe_are_refused(world, key, value, words):
    K = CAMERA.K
    camera = {"width": 48, "height": 40, "fx": K[0, 0], "fy": K[1, 1], "cx": 24.0, "cy": 20.0}
    manifest = {
        "scene": "place",
        "camera": {**camera, "distortion": list(LENS)},
        "map": {"bounds_m": list(world.bounds)},
        "recipe": {"seed": 0},
    }
    source(world).check_same(manifest)
    with pytest.raises(InputError, match=words):
        source(world).check_same({**manifest, key: value})


# Blocks of ground


@pytest.mark.parametrize("blocks", [1, 3, 100])
def test_views_of_some_blocks_are_mixed_and_none_is_lost(blocks):
    pixel_grid = PixelGrid(0, 4096, 1.0, 4096, 3072)
    summer = Capture("summer", "summer", "2025-07-01")
    field = ArrayWorld(
        pixel_grid, {summer: np.zeros((4096, 3072, 3), np.uint8)}, np.zeros((9, 7), np.float32), 512
    )
    flights = {"train": Flight("train", ["summer"], 240, PLAN)}
    live = AerialLive(field, CAMERA, flights, 0, blocks, 50)
    groups = live.draw("train", 0, 1)
    assert len(groups) == -(-12 // blocks)
    assert sorted(shot.view.name for group in groups for shot in group) == [
        f"train/{n:06d}" for n in range(240)
    ]
    for group in groups:
        ground = [tuple((shot.view.T_world_cam.t[:2] // BLOCK_PX).tolist()) for shot in group]
        assert len(set(ground)) <= blocks
        changes = sum(a != b for a, b in pairwise(ground))
        assert changes > 0.4 * len(group) if len(set(ground)) > 1 else changes == 0


def test_it_travels_to_another_process_without_its_scene(world):
    images = views(world)
    sample = images[3]
    packed = pickle.dumps(images)
    assert_same(pickle.loads(packed)[3], sample)


def test_a_split_without_a_flight_is_refused(world):
    with pytest.raises(InputError, match="split=val"):
        source(world).images("val", 32, 32)


# Training


def train(folder: Path, *overrides: str) -> Path:
    paths = [f"paths.{name}={folder / name}" for name in ("datasets", "runs", "cache")]
    live = ["data=aerial_live", "recipe=tiny", "method=hinted_residual", *paths, *tiny.TINY]
    plain = tiny.config("train", *live, "trainer.max_epochs=3", "batch_size=8", *overrides)
    call("train", plain)
    return Path(plain["paths"]["run"])


@pytest.mark.slow
def test_a_run_resumed_with_other_processes_ends_with_the_same_weights(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole")
    original = EpochOrder.__iter__

    def cut_power(order: EpochOrder):
        if order.trainer().current_epoch == 2:
            raise RuntimeError("power cut")
        return original(order)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        patch.setattr(EpochOrder, "__iter__", cut_power)
        train(tmp_path / "cut")
    torch.manual_seed(99)
    resumed = train(tmp_path / "cut", "resume=true", "workers=1")
    assert tiny.history(resumed) == tiny.history(whole)
    assert tiny.equal_states(tiny.weights(resumed), tiny.weights(whole))
    assert (resumed / "poses.csv").read_bytes() == (whole / "poses.csv").read_bytes()


@pytest.mark.slow
def test_files_are_tested_on_where_there_are_some(tmp_path):
    plain = tiny.config(
        "simulate", "recipe=tiny", f"paths.datasets={tmp_path / 'datasets'}", "threads=1"
    )
    call("simulate", plain)
    run = train(tmp_path, "seed=1", "trainer.max_epochs=1")
    assert tiny.results(run)["frames"] == {"train": 24, "val": 8, "test": 8}
    names = {name for (name,) in tiny.poses(run, "name")}
    assert all(name.endswith(".jpg") for name in names) and len(names) == 8
    again = tiny.config(
        "evaluate",
        f"checkpoint={run}",
        f"out={tmp_path / 'again'}",
        "accelerator=cpu",
        f"paths.cache={tmp_path / 'cache'}",
    )
    call("evaluate", again)
    assert tiny.results(tmp_path / "again")["rows"] == tiny.results(run)["rows"]
    with pytest.raises(InputError, match="world_seed"):
        train(tmp_path, "world_seed=1", "name=other")


def test_a_trained_backbone_streams_rendered_validation_views(tmp_path):
    backbone = ["backbone=resnet18", "backbone.weights=null", "backbone.trainable=all"]
    run = train(tmp_path, *backbone, "trainer.max_epochs=1", "method=posenet")
    assert tiny.results(run)["frames"] == {"train": 24, "val": 8, "test": 8}
