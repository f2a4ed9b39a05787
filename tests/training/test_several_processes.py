"""A training by two processes, as on two GPUs, is the training by one: gloo stands for what connects the GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import Workspace, history, results

# without dropout and augmentation, of which every process draws its own
WORDS = ["head.dropout=0", "augmented_views=0", "augment=none", "trainer.max_epochs=3"]


def trained(place: Workspace, processes: int, *words: str) -> Path:
    """The folder of a training whose optimizer steps are over four images, whoever computes them."""
    name = f"by-{processes}"
    batch = [f"batch_size={4 // processes}", f"trainer.devices={processes}", f"name={name}"]
    words = (*place.train_overrides(*WORDS, *words), *batch)
    command = [sys.executable, "-m", "hinted_posenet", "train", *words]
    env = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(place.folder.glob(f"runs/*/*/{name}/seed-0"))


@pytest.mark.slow
def test_two_processes_give_the_loss_curve_of_one(tmp_path):
    place = Workspace(tmp_path)
    one, two = (trained(place, processes, "method=posenet") for processes in (1, 2))
    assert results(two)["rows"]  # by the first process alone, after which the other one has ended
    epochs = list(zip(history(one), history(two), strict=True))
    assert len(epochs) == 3
    for a, b in epochs:
        assert a["step"] == b["step"]
        for name in ("train/loss", "val/median_t_m", "val/score"):
            assert float(b[name]) == pytest.approx(float(a[name]), rel=1e-3)
