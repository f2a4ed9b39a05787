from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # with shared cores more threads are slower, and sums differ


@pytest.fixture(autouse=True)
def own_random_numbers() -> Iterator[None]:
    """No test depends on what ran before it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
