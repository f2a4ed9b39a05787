"""Time and memory of `hinted-posenet score` on many poses, the whole command with its imports.

    python benchmarks/score.py --poses 100000

Targets: 5 s and 1 GiB for 100,000 poses.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main() -> None:
    """Write two files of poses, score one against the other, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--poses", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generator = np.random.default_rng(0)
        q = generator.normal(size=(arguments.poses, 4))
        q /= np.linalg.norm(q, axis=1, keepdims=True)
        t = generator.uniform(-100, 100, (arguments.poses, 3))
        write(folder / "truth.txt", q, t)
        write(folder / "predicted.txt", q, t + generator.normal(size=t.shape))
        words = ["score", "predicted.txt", "truth=truth.txt", "out=out", "overwrite=true"]
        for title, command in (
            ("import torch alone", [sys.executable, "-c", "import torch"]),
            (f"score {arguments.poses:,} poses", [sys.executable, "-m", "hinted_posenet", *words]),
        ):
            rounds = [measured(command, folder) for _ in range(arguments.rounds)]
            wall_s, cpu_s, peak_gib = np.min(rounds, axis=0)
            print(f"{title:24} {wall_s:5.1f} s, {cpu_s:5.1f} CPU-s, peak {peak_gib:.2f} GiB")


def write(path: Path, q: np.ndarray, t: np.ndarray) -> None:
    """Lines ``name qw qx qy qz tx ty tz``."""
    with path.open("w") as file:
        for index, numbers in enumerate(np.column_stack([q, t]).tolist()):
            file.write(f"seq-{index // 1000:02d}/frame-{index:06d}.png ")
            file.write(" ".join(f"{number:.9g}" for number in numbers) + "\n")


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Wall time and CPU time in seconds and peak memory in GiB of one process."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
