"""No key is ignored: a run of its verb reads it, or a class gets it, which refuses what it does not know."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import Workspace, config

from hinted_posenet.cli.check_line import module_of
from hinted_posenet.cli.help import DATA_VERBS, VERBS, config_file
from hinted_posenet.core.schema import hints_of
from hinted_posenet.training.evaluate import evaluate
from hinted_posenet.training.run_folder import RunFolder
from hinted_posenet.training.train import train

VERB_NAMES = [verb for verb in VERBS if verb != "data"] + [f"data {verb}" for verb in DATA_VERBS]
SHARED = {"paths"}  # one table of folders for all verbs
MENU = {
    "climate",
    "flight",
    "navigation",
}  # recipes take from them; the grammar refuses words that change nothing


NODES = {"camera", "data", "flights", "format", "what", "world"}  # their classes check them


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
    {"train": train, "evaluate": evaluate}[verb](Recorded(plain, read))
    return {key for key in leaves(plain) if key.partition(".")[0] not in SHARED | MENU} - read


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def run(place: Workspace) -> Path:
    return place.train("method=posenet")


def test_train_reads_every_key(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    # YAML and results.json are written from plain dictionaries
    monkeypatch.setattr(
        RunFolder, "open", lambda folder: folder.path.mkdir(parents=True, exist_ok=True)
    )
    words = place.train_overrides(
        "method=hinted_residual", "refine=landmarks", "name=recorded", "logger=csv"
    )
    assert unread("train", config("train", *words)) == set()


def test_evaluate_reads_every_key(place: Workspace, run: Path) -> None:
    words = [f"checkpoint={run}", f"out={place.folder / 'out'}", "inference_hint=retrieval"]
    found = unread("evaluate", config("evaluate", *words, "accelerator=cpu", *place.paths))
    # copied together where they are given; test_train.py evaluates another scene elsewhere
    assert found == {"data.root", "data.scene"}


@pytest.mark.parametrize("verb", VERB_NAMES)
def test_every_plain_key_of_a_verb_has_a_type_and_is_used(verb: str) -> None:
    module = module_of(verb)
    typed = inspect.signature(module.run).parameters.keys() - {"config"}
    schema = getattr(module, "SCHEMAS", {}).get("")
    fields = set(hints_of(schema)) if schema else set()
    plain = yaml.safe_load(config_file(verb).read_text())
    keys = {key for key in plain if key not in ("defaults", "hydra", "paths", "data")}
    of_recipe = {"scene", "seed"} if verb in ("simulate", "show") else set()
    assert (typed | fields) - NODES == (keys | of_recipe) - NODES
    names = {
        node.id
        for node in ast.walk(ast.parse(inspect.getsource(module.run)))
        if isinstance(node, ast.Name)
    }
    assert typed <= names
