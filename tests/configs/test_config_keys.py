"""No key is ignored: a run of its verb reads it, or a class gets it, which refuses what it does not know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import Workspace, config

from hinted_posenet.training import engine

SHARED = {"paths"}  # one table of folders for all verbs
MENU = {
    "climate",
    "flight",
    "navigation",
}  # recipes take from them; cli.overrides refuses words in vain


class Recorded(dict[str, Any]):
    """A config that writes down which of its keys are asked for."""

    def __init__(self, plain: dict[str, Any], read: set[str], prefix: str = ""):
        super().__init__()
        self.read, self.prefix = read, prefix
        for key, value in plain.items():
            inside = isinstance(value, dict) and not is_built(value)
            self[key] = Recorded(value, read, f"{prefix}{key}.") if inside else value

    def __getitem__(self, key: str) -> Any:
        self.read.add(self.prefix + key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401

    def values(self) -> Any:
        return [self[key] for key in self]

    def items(self) -> Any:  # what is copied or written whole is not thereby read
        return dict.items(self)


def is_built(node: Any) -> bool:
    return isinstance(node, dict) and (
        "_target_" in node or (bool(node) and all(map(is_built, node.values())))
    )


def leaves(node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Keys of values, and of nodes that become objects."""
    for key, value in node.items():
        if isinstance(value, dict) and value and not is_built(value):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def unread(verb: str, plain: dict[str, Any]) -> set[str]:
    """Keys that a run of the verb did not ask for."""
    read: set[str] = set()
    getattr(engine, verb)(Recorded(plain, read))
    return {key for key in leaves(plain) if key.partition(".")[0] not in SHARED | MENU} - read


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def run(place: Workspace) -> Path:
    return place.train("method=posenet")


def test_train_reads_every_key(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    # YAML and results.json are written from plain dictionaries
    monkeypatch.setattr(engine, "open_run", lambda run, config: run.mkdir(parents=True))
    words = place.train_overrides("method=hinted_residual", "name=recorded", "logger=csv")
    # whether to resume is asked where there is a run; test_engine.py resumes
    assert unread("train", config("train", *words)) == {"resume"}


def test_evaluate_reads_every_key(place: Workspace, run: Path) -> None:
    words = [f"checkpoint={run}", f"output={place.folder / 'out'}", "inference_hint=retrieval"]
    found = unread("evaluate", config("evaluate", *words, "accelerator=cpu", *place.paths))
    # copied together where they are given; test_engine.py evaluates another scene elsewhere
    assert found == {"data.root", "data.scene", "allow_other_scene"}


def test_predict_reads_every_key(place: Workspace, run: Path) -> None:
    words = [f"checkpoint={run}", f"images={place.scene}", f"output={place.folder / 'poses.txt'}"]
    assert unread("predict", config("predict", *words, "accelerator=cpu")) == set()


def test_export_reads_every_key(place: Workspace) -> None:
    words = ["data=seven_scenes", "format=csv", f"out={place.folder / 'csv'}", *place.paths]
    of_training = {"name", "ground_truth", "height", "width", "crop", "validation", "recall_m_deg"}
    assert unread("export", config("export", *words)) == {f"data.{key}" for key in of_training}


def test_simulate_reads_every_key(tmp_path: Path) -> None:
    words = ["recipe=tiny", f"root={tmp_path}", "flights.train.images=1", "expected=null"]
    assert unread("simulate", config("simulate", *words)) == set()


def test_show_reads_every_key(tmp_path: Path) -> None:
    words = ["recipe=tiny", f"output={tmp_path / 'sheet.jpg'}", "what.views=[[100,0]]"]
    found = unread("show", config("show", *words, "what.when=[summer]", "what.width_px=500"))
    # what simulate got may be given as it was; a picture of the world asks for none of these
    assert {key.partition(".")[0] for key in found} == {"camera", "flights", "expected"}
