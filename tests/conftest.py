import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from no_network import forbid_network
from server import Server, serving

from hinted_posenet.cli.main import main

ROOT = Path(__file__).parents[1]
Here = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure() -> None:
    """Let no test reach beyond this machine, from the first import on; let Ctrl-C reach what tests start."""
    forbid_network()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background job of a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # with shared cores more threads are slower, and sums differ


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HINTED_POSENET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_random_numbers() -> Iterator[None]:
    """No test depends on what ran before it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def here(tmp_path, monkeypatch, capfd) -> Here:
    """The command line in an empty folder, inside this process: torch is imported but once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINTED_POSENET_DATA", raising=False)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["hinted-posenet", *words])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        GlobalHydra.instance().clear()
        output, errors = capfd.readouterr()
        if isinstance(code, str):  # python prints it and exits with 1
            code, errors = 1, f"{errors}{code}\n"
        return subprocess.CompletedProcess(words, int(code or 0), output, errors)

    return run


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server with nothing on it yet."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def real_data() -> Path:
    folder = Path(os.environ.get("HINTED_POSENET_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; set HINTED_POSENET_DATA")
    return folder
