import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from server import Server, serving

ROOT = Path(__file__).parents[1]


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
