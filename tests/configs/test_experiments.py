"""Every row of a published table is an experiment: it composes and builds, and its run has its own folder."""

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tiny import config

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.inference.build import build, build_localizer

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (config_folder() / "experiment").glob("*.yaml"))
SCENES = {"quickstart": "village", "live": "naip"}  # marker of a table -> scene of its experiments
PARTS = ("backbone", "pool", "head", "rotation", "inference_hint", "refinement_steps")
FURTHER = ("train_hint", "loss", "augment", "trainer")
LANDMARKS = ("hinted_landmarks", "structure_based")  # have a page of their own
MAPS = ("ground_registration",)  # likewise
ROW = re.compile(r"^\| ([a-z]+(?:_[a-z]+)*)(?: from \w+)?(?:, \w+ \d+)? \|", re.MULTILINE)


@functools.cache
def experiment(name: str) -> dict[str, Any]:
    return config("train", f"experiment={name}")


@functools.cache
def build_once(text: str, slot: str = "") -> None:
    plain = json.loads(text)
    build(plain, slot) if slot else build_localizer(plain)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes_and_builds(name):
    plain = experiment(name)
    build_once(json.dumps({key: plain[key] for key in PARTS}))
    for key in FURTHER:
        build_once(json.dumps(plain[key]), key)
    assert callable(build(plain["data"]["reader"], "reader"))


def test_no_two_rows_share_a_run_folder():
    rows = [name for name in EXPERIMENTS if experiment(name)["name"] in name]
    assert len({experiment(name)["paths"]["run"] for name in rows}) == len(rows) > 50


def rows_of(page: str, marker: str) -> set[str]:
    """Names of networks in the first column of a table; a control and a heading are none."""
    text = (ROOT / page).read_text().partition(f"<!-- begin {marker} -->")[2]
    return set(ROW.findall(text.partition(f"<!-- end {marker} -->")[0])) - {"retrieval", "ratios"}


@pytest.mark.parametrize(
    "page, marker",
    [
        *(("docs/results.md", marker) for marker in ("quickstart", "redkitchen", "naip")),
        *(("docs/hints-results.md", m) for m in ("redkitchen", "naip", "ambiguous_rows")),
        ("docs/simulator.md", "live"),
    ],
)
def test_every_row_of_a_table_is_an_experiment(page, marker):
    scene, rows = SCENES.get(marker, marker), rows_of(page, marker)
    assert len(rows) >= 4
    assert {f"{scene}_{row}" for row in rows} <= set(EXPERIMENTS)
    if page == "docs/hints-results.md":  # which has them all
        named = {name for name in EXPERIMENTS if name.startswith(f"{scene}_")}
        left_out = [name for name in named if any(method in name for method in LANDMARKS + MAPS)]
        left_out += [name for name in named if name.endswith(("_files", "_live"))]
        assert named - set(left_out) == {f"{scene}_{row}" for row in rows}


def test_every_scene_of_the_aerial_study_is_an_experiment():
    script = (ROOT / "scripts/study_aerial.sh").read_text()
    scenes = re.findall(r'^(?:scenes=.*<<<")?(study_[\w.]+) study_', script, re.MULTILINE)
    assert scenes and set(scenes) == {name for name in EXPERIMENTS if name.startswith("study_")}
    assert all(experiment(scene)["data"]["scene"] == scene for scene in scenes)


def test_published_settings_stand_in_the_presets():
    assert config("train", "data=aerial", "method=hinted_memory")["augmented_views"] == 0
    assert experiment("redkitchen_posenet")["averaged_steps"] == 100
    assert experiment("naip_film")["trainer"]["max_epochs"] == 10


@pytest.mark.parametrize(
    "words, hints, grid",
    [
        (["method=posenet"], ("NoHint", "NoHint"), 3),
        (["method=null_hint"], ("NoHint", "NoHint"), 3),
        (["head=hinted_residual"], ("GaussianHints", "RetrievalHint"), 3),
        (["method=hinted_residual", "train_hint=mixed"], ("MixedHints", "RetrievalHint"), 3),
        (["method=embedding_uniform"], ("UniformHints", "RetrievalHint"), 3),
        (["method=hinted_memory"], ("LeaveOneOutHints", "NoHint"), 10),
        (["method=hinted_memory", "pool=global"], ("LeaveOneOutHints", "NoHint"), 1),
        (["experiment=naip_film", "pool=grid"], ("GaussianHints", "RetrievalHint"), 3),
    ],
)
def test_a_head_brings_its_hints_and_pool_unless_they_are_chosen(words, hints, grid):
    plain = config("train", "data=aerial", *words)
    chosen = [plain[key]["_target_"] for key in ("train_hint", "inference_hint")]
    assert tuple(target.rpartition(".")[2] for target in chosen) == hints
    assert plain["pool"]["grid"] == grid
