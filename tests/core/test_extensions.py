"""A package of the user's own: found and trusted where the environment names it, and only there."""

import subprocess
import sys

import pytest
from tiny import TINY, Workspace, config

from hinted_posenet.cli.help import verb_help
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extensions import GROUP, VARIABLE, extension_configs, extensions
from hinted_posenet.inference.build import build
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint

POOL = "corner_pool.pool.CornerPool"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package corner_pool on the path, with a pool and its config."""
    folder = tmp_path / "own" / "corner_pool"
    (folder / "configs" / "pool").mkdir(parents=True)
    (folder / "configs" / "pool" / "corner.yaml").write_text(f"_target_: {POOL}\ngrid: 2\n")
    (folder / "__init__.py").write_text("")
    (folder / "pool.py").write_text(
        "import os\nfrom hinted_posenet.models.posenet import GridPool\n\nclass CornerPool(GridPool):\n    pass\n"
    )
    monkeypatch.syspath_prepend(folder.parent)
    yield folder
    for name in [name for name in sys.modules if name.startswith("corner_pool")]:
        del sys.modules[name]


@pytest.fixture
def named(package, monkeypatch):
    monkeypatch.setenv(VARIABLE, "corner_pool")
    return package


def test_none_without_the_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert extensions() == ()
    assert extension_configs() == []


def test_several_are_named_with_commas_between_them(monkeypatch):
    monkeypatch.setenv(VARIABLE, "my_parts, theirs,")
    assert extensions() == ("my_parts", "theirs")


def test_an_installed_package_declares_itself_by_an_entry_point(package, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    info = package.parent / "corner_pool-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corner_pool\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nparts = corner_pool\n")
    monkeypatch.syspath_prepend(
        tmp := package.parent / "empty"
    )  # another path, so that it is read anew
    tmp.mkdir()
    assert extensions() == ("corner_pool",)
    assert extension_configs() == [package / "configs"]
    assert type(build({"_target_": POOL, "grid": 2}, "pool")).__name__ == "CornerPool"


def test_what_is_not_named_is_refused_and_the_error_says_how_to_name_it(package):
    with pytest.raises(InputError, match=f"refused.*{VARIABLE}"):
        build({"_target_": POOL}, "pool")


def test_its_parts_are_built_and_no_others(named):
    assert type(build({"_target_": POOL, "grid": 2}, "pool")).__name__ == "CornerPool"
    for foreign in ("corner_pool.pool.os.system", "corner_pool_evil.Pool", "os.system"):
        with pytest.raises(InputError, match="refused"):
            build({"_target_": foreign}, "pool")


def test_its_configs_are_choices(named):
    assert config("train", "data=seven_scenes", "pool=corner")["pool"]["_target_"] == POOL
    assert "corner" in verb_help("train")


def test_a_checkpoint_with_it_loads_for_those_alone_who_name_it(named, tmp_path, monkeypatch):
    run = Workspace(tmp_path / "work").train("method=posenet", "pool=corner")
    assert type(load_localizer(read_checkpoint(run)).model.pool).__name__ == "CornerPool"
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(InputError, match=VARIABLE):
        load_localizer(read_checkpoint(run))


def command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hinted_posenet", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_command_line_finds_it(named, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(named.parent), prepend=":")
    scene = Workspace(tmp_path / "work")
    done = command("train", *scene.train_overrides("pool=corner"), "--cfg", "job")
    assert f"_target_: {POOL}" in done.stdout, done.stderr


def test_a_package_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv(VARIABLE, "no_such_package")
    with pytest.raises(InputError, match="PYTHONPATH"):
        config("train", "data=seven_scenes", *TINY)
    done = command("train", "data=seven_scenes")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {VARIABLE}=no_such_package: no such package")
    assert done.stderr.count("\n") == 1
