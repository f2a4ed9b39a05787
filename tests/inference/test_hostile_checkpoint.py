"""Checkpoints that no training has written: refused in one line, before memory or time is spent on them."""

import copy
import math
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from poses import PLACE, random_poses, sequences
from tiny import TINY, config

from hinted_posenet.core.errors import InputError
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint, save_checkpoint
from hinted_posenet.inference.locate import load

Spoil = Callable[[dict[str, Any]], Any]
MOST_MB = 500
NESTED: dict[str, Any] = {}
for _ in range(200):
    NESTED = {"a": NESTED}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of a sound checkpoint."""
    path = tmp_path_factory.mktemp("good") / "localizer.ckpt"
    plain = config("train", "data=seven_scenes", *TINY, "method=hinted_residual", "pool=global")
    localizer = build_localizer(plain).eval()
    localizer.fit(random_poses(30), torch.randn(30, 112, 1, 1), sequences(30))
    save_checkpoint(path, localizer, plain, "key", PLACE)
    load_localizer(read_checkpoint(path))
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def weight(content: dict[str, Any]) -> str:
    return next(name for name, value in content["state"].items() if value.dim() > 1)


def aliased(depth: int) -> Any:
    """A tiny file that becomes 2^depth values."""
    value: Any = [1, 1]
    for _ in range(depth):
        value = [value, value]
    return value


KINDS: dict[str, Spoil] = {
    "no config": lambda c: c.pop("config"),
    "config list": lambda c: c.update(config=[1, 2]),
    "no state": lambda c: c.pop("state"),
    "state list": lambda c: c.update(state=[1]),
    "state wrong": lambda c: c["state"].update({weight(c): torch.zeros(3, 3, 3)}),
    "state text": lambda c: c["state"].update({weight(c): "x"}),
    "state nan": lambda c: c["state"].update({weight(c): c["state"][weight(c)] * math.nan}),
    "state expanded": lambda c: c["state"].update({weight(c): torch.zeros(1).expand(10**6, 10**6)}),
    "state empty": lambda c: c.update(state={}),
    "memory of another size": lambda c: c["state"].update(
        {"inference_hint.memory.feature": torch.zeros(30, 7).half()}
    ),
    "memory without poses": lambda c: c["state"].update(
        {"inference_hint.memory.t_m": torch.zeros(3, 3)}
    ),
    "no data": lambda c: c["config"].pop("data"),
    "data none": lambda c: c["config"].update(data=None),
    "height text": lambda c: c["config"]["data"].update(height="x"),
    "height negative": lambda c: c["config"]["data"].update(height=-5),
    "image huge": lambda c: c["config"]["data"].update(height=60_000, width=60_000),
    "crop huge": lambda c: c["config"]["data"].update(crop=[10**6, 10**6]),
    "no head": lambda c: c["config"].pop("head"),
    "head text": lambda c: c["config"].update(head="x"),
    "hidden huge": lambda c: c["config"]["head"].update(hidden=10**9),
    "embedding huge": lambda c: c["config"]["head"].update(embedding=10**7),
    "grid huge": lambda c: c["config"]["pool"].update(grid=10**6),
    "layers without end": lambda c: c["config"]["backbone"].update(
        name="vit_tiny_patch16_224", options={"depth": 10**9}
    ),
    "steps without end": lambda c: c["config"].update(refinement_steps=10**9),
    "feature key number": lambda c: c.update(feature_key=5),
    "nested deep": lambda c: c["config"].update(loss=NESTED),
    "values without end": lambda c: c["config"].update(loss=aliased(40)),
    "control characters": lambda c: c["config"]["data"].update(scene="x\x1b[31mRED\nfake: line"),
    "number without end": lambda c: c["config"]["head"].update(dropout=math.inf),
    "a tensor in the config": lambda c: c["config"].update(seed=torch.zeros(3)),
    "no place": lambda c: c.pop("place"),
    "place without camera": lambda c: c["place"].update(K=torch.zeros(3, 3).double()),
    "place list": lambda c: c.update(place=[1]),
    "loss evil": lambda c: c["config"].update(loss={"_target_": "os.system", "command": "true"}),
    "train hint evil": lambda c: c["config"]["train_hint"].update(_target_="shutil.rmtree"),
    "another network elsewhere": lambda c: c["config"].update(
        inference_hint={
            "_target_": "hinted_posenet.inference.checkpoint.network_hint",
            "checkpoint": "/etc/passwd",
        }
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_is_refused_in_one_line(good, tmp_path, kind):
    content = copy.deepcopy(good)
    KINDS[kind](content)
    path = tmp_path / "localizer.ckpt"
    torch.save(content, path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=f"^checkpoint={re.escape(str(path))}: ") as error:
        load(path)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < MOST_MB
    assert str(error.value).isprintable()
    assert "weights_only" not in str(error.value)


def test_the_folder_above_runs_names_them(good, tmp_path):
    for seed in (0, 1):
        (tmp_path / f"seed-{seed}").mkdir()
        torch.save(good, tmp_path / f"seed-{seed}" / "localizer.ckpt")
    with pytest.raises(InputError, match=r"give one of those below it: .*seed-0, .*seed-1"):
        read_checkpoint(tmp_path)


def test_a_run_that_has_not_ended_says_so(tmp_path):
    (tmp_path / "lightning").mkdir()
    with pytest.raises(InputError, match="resume=true"):
        read_checkpoint(tmp_path)


def test_no_download_begins_when_a_checkpoint_is_loaded(good, tmp_path: Path, monkeypatch):
    content = copy.deepcopy(good)
    content["config"]["backbone"]["weights"] = "default"
    torch.save(content, tmp_path / "localizer.ckpt")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection"))
    load(tmp_path)
