"""Rendering over processes: the bytes of one process, even if a worker dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from tiny import config

from hinted_posenet.core.errors import InputError
from hinted_posenet.inference.build import build
from hinted_posenet.simulator import parallel
from hinted_posenet.simulator import shots as shots_module
from hinted_posenet.simulator.simulate import simulate

from .test_resume import tree

pytestmark = pytest.mark.slow


def run(root: Path, *overrides: str) -> dict[str, bytes]:
    recipe = config("simulate", "recipe=tiny", *overrides)
    flights = {name: build(flight, "flight") for name, flight in recipe["flights"].items()}
    keep = {key: recipe[key] for key in ("scene", "seed", "threads", "workers", "scheduler")}
    simulate(
        build(recipe["world"], "world"),
        flights,
        build(recipe["camera"], "camera"),
        root,
        depth="png16",
        **keep,
    )
    return tree(root)


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return run(tmp_path_factory.mktemp("serial"), "threads=1")


@pytest.fixture
def one_image_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots_module, "JOB_PX", 1)


def test_local_workers_write_the_bytes_of_one_process(
    tmp_path: Path, serial: dict[str, bytes], one_image_a_job: None
) -> None:
    assert run(tmp_path, "workers=2") == serial


def test_a_killed_worker_costs_no_frame(
    tmp_path: Path, serial: dict[str, bytes], one_image_a_job: None
) -> None:
    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        before = client.run(os.getpid)
        killed = []

        def kill_one_at_the_first_finished_job() -> None:
            while not list(tmp_path.glob(".tiny.partial/jobs/*.json")):
                time.sleep(0.005)
            killed.append(len(list(tmp_path.glob(".tiny.partial/jobs/*.json"))))
            os.kill(next(iter(before.values())), signal.SIGKILL)

        killer = threading.Thread(target=kill_one_at_the_first_finished_job, daemon=True)
        killer.start()
        written = run(tmp_path, f"scheduler={cluster.scheduler_address}")
        killer.join(timeout=10)
        assert killed and killed[0] < len([name for name in serial if name.endswith(".jpg")]) - 1
        assert client.run(os.getpid) != before
    assert written == serial


def test_a_worker_with_other_versions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "versions", lambda: {"numpy": "0.1"})
    with pytest.raises(InputError, match=r"a worker has other versions of .*numpy"):
        run(tmp_path, "workers=1")


def test_a_scheduler_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "PATIENCE_S", 0.5)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9: no answer"):
        run(tmp_path, "scheduler=tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="a scheduler has its own workers"):
        run(tmp_path, "scheduler=tcp://127.0.0.1:9", "workers=2")
    assert not list(tmp_path.iterdir())


def test_dask_is_imported_only_when_it_is_needed() -> None:
    code = "import sys, hinted_posenet.simulator.simulate; sys.exit('distributed' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_starts_workers(tmp_path: Path, serial: dict[str, bytes]) -> None:
    verb = [sys.executable, "-m", "hinted_posenet", "simulate", "recipe=tiny", "depth=png16"]
    done = subprocess.run(
        [*verb, "workers=2", f"root={tmp_path}"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    written = tree(tmp_path)  # its manifest also holds the recipe
    assert written.pop("tiny/manifest.json") and serial.items() >= written.items()
    assert len(serial) == len(written) + 1
