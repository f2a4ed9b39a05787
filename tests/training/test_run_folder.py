"""Whose folder a training writes into and deletes, and that one training at a time does."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError
from hinted_posenet.training.run_folder import CONFIG, LOCK, RunFolder, check_names

PLAIN = {"backbone": {}, "head": {}, "train_hint": {}, "inference_hint": {}, "batch_size": 4}


def run(path: Path, resume: bool = False, overwrite: bool = False, **changes: object) -> RunFolder:
    return RunFolder(path, {**PLAIN, **changes}, resume, overwrite)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a run that wrote a result."""
    path = tmp_path / "run"
    run(path).open()
    (path / "results.json").write_text("{}")
    return path


def test_a_run_is_deleted_if_asked(begun):
    (begun / "lightning").mkdir()
    files = run(begun, overwrite=True)
    with files.locked():
        assert not files.is_finished()
        files.open()
        assert sorted(path.name for path in begun.iterdir()) == [LOCK, CONFIG]


@pytest.mark.parametrize("name", ["photo.jpg", "config.yaml", "results.json"])
def test_no_other_folder_is_deleted(tmp_path, name):
    (tmp_path / name).write_text("name: precious\n")
    files = run(tmp_path, overwrite=True)
    with files.locked(), pytest.raises(InputError, match=f"{name}.*nothing is deleted"):
        files.is_finished()
    with pytest.raises(InputError, match="nothing is deleted"):
        files.open()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["config.yaml", "history.csv", "lightning"])
def test_nothing_of_others_is_written_over(tmp_path, name):
    (tmp_path / name).mkdir() if name == "lightning" else (tmp_path / name).write_text("a: 1\n")
    with pytest.raises(InputError, match="move it away"):
        run(tmp_path).is_finished()


def test_notes_beside_a_run_are_no_obstacle(tmp_path):
    (tmp_path / "notes.txt").write_text("try a smaller rate")
    assert not run(tmp_path).is_finished()


def test_the_working_directory_is_not_deleted(begun, monkeypatch):
    (begun / "inside").mkdir()
    monkeypatch.chdir(begun / "inside")
    with pytest.raises(InputError, match="working directory"):
        run(begun, overwrite=True).is_finished()


def test_another_config_does_not_continue_a_run(begun):
    assert run(begun, resume=True).is_finished()
    with pytest.raises(InputError, match="batch_size=4, not 8"):
        run(begun, resume=True, batch_size=8).is_finished()


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "\0"])
def test_a_damaged_config_of_a_run_is_one_line(begun, text):
    (begun / CONFIG).write_text(text)
    with pytest.raises(InputError) as error:
        run(begun, resume=True).is_finished()
    assert "\n" not in str(error.value)


def test_one_training_at_a_time(tmp_path):
    path = tmp_path / "deep" / "run"
    with run(path).locked(), pytest.raises(InputError, match="another training"):
        run(path).locked().__enter__()
    assert not (tmp_path / "deep").exists()  # nothing was written, so nothing stays
    with run(path).locked():
        (path / CONFIG).write_text(OmegaConf.to_yaml(OmegaConf.create(PLAIN)))
    with run(path).locked():
        pass
    assert (path / CONFIG).is_file()


def test_a_killed_training_leaves_no_lock_behind(tmp_path):
    code = (
        "import os; from filelock import FileLock\n"
        f"lock = FileLock({str(tmp_path / LOCK)!r}); lock.acquire(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with run(tmp_path).locked():
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written .*paths\.runs"):
        run(tmp_path / "file" / "run").locked().__enter__()


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/a/x", "a\0b", "a\nb", "a\x1b[31mb", ""])
@pytest.mark.parametrize("key", ["name", "data.name"])
def test_a_name_is_no_path(key, name):
    config = {"name": "posenet", "data": {"name": "tum", "scene": "desk"}}
    (config if key == "name" else config["data"])["name"] = name
    with pytest.raises(InputError, match=key):
        check_names(config)


@pytest.mark.parametrize("scene", ["..", "../../home", "a+..", "/etc", "a//b", "a\nb"])
def test_a_scene_stays_below_its_root(scene):
    with pytest.raises(InputError, match=r"data\.scene"):
        check_names({"name": "a", "data": {"name": "tum", "scene": scene}})


def test_scenes_of_two_levels_are_names():
    check_names({"name": "a", "data": {"name": "b", "scene": "apt1/kitchen+apt2/bed"}})
