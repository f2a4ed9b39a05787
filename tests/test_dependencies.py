"""What the package imports is declared, what is declared is used, and CONTRIBUTING.md says what for."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hinted_posenet.core.errors import EXTRAS

ROOT = Path(__file__).parents[1]
# extras that modules of the package import
USED = ("simulator", "report", "heic", "robot", "viewer", "serve", "export")
BY_NAME_ONLY = {"tensorboard", "wandb"}  # Lightning's loggers import them


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(t for name in USED for t in extras[name])]
    return {normal(re.split(r"[<>=!\[; ]", text)[0]) for text in texts}


def imported() -> set[str]:
    """Distributions that some module of the package imports."""
    names = set()
    for path in (ROOT / "hinted_posenet").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    found = packages_distributions()
    foreign = names - sys.stdlib_module_names - {"hinted_posenet"}
    return {normal(found[name][0]) for name in foreign if name in found}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    assert imported() - BY_NAME_ONLY == declared() - BY_NAME_ONLY


def test_errors_name_the_extra_of_every_optional_import():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for module, extra in EXTRAS.items():
        assert any(normal(text).startswith(normal(module)) for text in extras[extra]), module
    known = {name for name, extra in EXTRAS.items() if extra in USED}
    assert len(known) == sum(len(extras[name]) for name in USED)


def test_the_constraints_hold_a_version_of_every_dependency_that_it_allows():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        t
        for name, group in project["optional-dependencies"].items()
        if name != "wandb"
        for t in group
    ]
    for text in [*project["dependencies"], *extras]:
        asked = Requirement(text)
        if asked.name != "hinted_posenet":
            assert asked.specifier.contains(pinned[normal(asked.name)]), text


@pytest.mark.parametrize("name", sorted(declared()))
def test_contributing_says_what_a_dependency_is_for(name):
    assert re.search(rf"^\| {name} \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
