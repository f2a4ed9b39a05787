"""Interrupted runs: what they leave, how they resume, and that the result is the same to the byte."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator import partial as partial_module
from hinted_posenet.simulator import shots as shots_module
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.partial import Partial
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.shots import Work
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import World

CAMERA = Camera(24, 20, hfov_deg=60.0, sensor=Sensor(noise_sigma=0.01))
FLIGHTS = {"train": Flight("train", ["spring", "summer"], 6, RandomPlan([50, 60], [-20, 20], 3))}


@pytest.fixture(autouse=True)
def two_images_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots_module, "JOB_PX", 2 * 24 * 20)


def run(world: World, root: Path, **options: object) -> Path:
    settings = {"seed": 1, "threads": 1, "recipe": {"a": {"b": 1}}, "depth": "png16", **options}
    return simulate(world, FLIGHTS, CAMERA, root, "demo", **settings)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an undisturbed run, in one job."""
    return tree(run(small_world, tmp_path_factory.mktemp("whole")))


def stop_after(monkeypatch: pytest.MonkeyPatch, jobs: int, error: BaseException) -> list[int]:
    """Let so many jobs be rendered, then raise; the list counts them."""
    files, done = Work.files, []

    def counted(self: Work, job: list) -> dict[str, bytes]:
        if len(done) == jobs:
            raise error
        done.append(len(job))
        return files(self, job)

    monkeypatch.setattr(Work, "files", counted)
    return done


def test_an_interrupted_run_resumes_to_the_same_bytes(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    assert len(whole) == 3 + 2 * 12
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        stop_after(patched, 4, KeyboardInterrupt())
        run(small_world, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".demo.partial"]
    done = stop_after(monkeypatch, 99, KeyboardInterrupt())
    assert tree(run(small_world, tmp_path)) == whole
    assert done == [2, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_damaged_files_are_rendered_again(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        stop_after(patched, 4, KeyboardInterrupt())
        run(small_world, tmp_path)
    images, depths = sorted(tmp_path.rglob("*.jpg")), sorted(tmp_path.rglob("*.png"))
    images[0].write_bytes(images[0].read_bytes()[:100])
    depths[-1].unlink()
    done = stop_after(monkeypatch, 99, KeyboardInterrupt())
    assert tree(run(small_world, tmp_path)) == whole
    assert done == [2] * 4


def test_a_run_that_finished_no_job_leaves_nothing(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, 0, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(small_world, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_recipe_does_not_resume_from_here(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        stop_after(patched, 3, KeyboardInterrupt())
        run(small_world, tmp_path, seed=2, recipe={"a": {"b": 2}})
    left = tree(tmp_path)
    with pytest.raises(InputError, match=r"\(frames, recipe\.a\.b, seed\).*overwrite=true"):
        run(small_world, tmp_path)
    assert tree(tmp_path) == left
    assert tree(run(small_world, tmp_path, overwrite=True)) == whole


def test_finished_data_stay_until_the_new_ones_are_complete(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    old = tree(run(small_world, tmp_path, seed=2))
    for stopped in (2, 3):  # both runs resume from finished jobs: five of six
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            stop_after(patched, stopped, KeyboardInterrupt())
            run(small_world, tmp_path, overwrite=True)
        assert tree(tmp_path / "demo") == old
    done = stop_after(monkeypatch, 99, KeyboardInterrupt())
    assert tree(run(small_world, tmp_path, overwrite=True)) == whole
    assert done == [2]


def test_former_data_come_back_after_a_kill_between_the_two_renames(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    (tmp_path / ".demo.partial" / "replaced").mkdir(parents=True)
    (tmp_path / ".demo.partial" / "replaced" / "old").touch()
    with pytest.raises(KeyboardInterrupt), Partial(target, {}):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["demo", "old"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_an_error_and_the_run_resumes_later(
    small_world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: dict[str, bytes],
    code: int,
) -> None:
    write_bytes: Callable[[Path, bytes], int] = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name.startswith(".") and "000007" in self.name:
            write_bytes(self, content[:100])
            raise OSError(code, os.strerror(code))
        return write_bytes(self, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        message = (
            r"demo\.partial: 000007.* could not be written \(disk full: [\d,]+ bytes to write, "
        )
        with pytest.raises(InputError, match=message):
            run(small_world, tmp_path)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not [name for name in names if name.startswith((".", "000007"))]
    assert not (tmp_path / "demo").exists()
    assert tree(run(small_world, tmp_path)) == whole


def test_two_runs_do_not_write_one_data_set(small_world: World, tmp_path: Path) -> None:
    folder = tmp_path / ".demo.partial"
    folder.mkdir()
    with FileLock(folder / "lock"), pytest.raises(InputError, match="another run is writing it"):
        run(small_world, tmp_path)
    run(small_world, tmp_path)


def test_a_root_that_cannot_be_written_is_an_error(small_world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: not writable .* set another root="):
        run(small_world, tmp_path / "file")


KILLED = """
import os, signal, sys
from hinted_posenet.cli.main import main
from hinted_posenet.simulator import partial, shots

shots.JOB_PX = 4 * 64 * 64
jobs = 0
add_job = partial.Partial.add_job

def counted(self, number, files):
    global jobs
    if jobs == 4:
        name, content = next(iter(files.items()))
        self.add(name, content)
        (self.data / "images" / ".1-unfinished.jpg").write_bytes(content[:100])
        os.kill(os.getpid(), signal.SIGKILL)
    jobs += 1
    add_job(self, number, files)

partial.Partial.add_job = counted
sys.argv = ["hinted-posenet", "simulate", "recipe=tiny", f"root={sys.argv[1]}", "threads=1"]
main()
"""


@pytest.mark.slow
def test_kill_9_then_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    python = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run(python, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = tmp_path / "killed" / ".tiny.partial"
    assert len(list((left / "jobs").iterdir())) == 4
    for root in ("killed", "whole"):
        verb = [sys.executable, "-m", "hinted_posenet", "simulate", "recipe=tiny"]
        subprocess.run(
            [*verb, f"root={tmp_path / root}"], env=environment, check=True, capture_output=True
        )
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


def test_jobs_with_other_files_are_not_reused(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt), Partial(target, {"seed": 1}) as partial:
        partial.add_job(0, {"a": b"1", "b": b"2"})
        raise KeyboardInterrupt
    with Partial(target, {"seed": 1}) as partial:
        assert partial.holds(0, {"a", "b"}) and not partial.holds(0, {"a"})
        assert not partial.holds(1, {"a", "b"})
        partial.finish({})
    assert json.loads((target / "manifest.json").read_text()) == {}
    assert partial_module.differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}}) == ["a.b", "c"]
