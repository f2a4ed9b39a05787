"""How long the labels of a large data set take to read, and what they keep in memory.

26,000 frames, as many as all training frames of 7-Scenes, written to a temporary folder::

    python benchmarks/labels.py

One thread. Images are not opened but for one of each folder; whoever decodes them compares their sizes.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from hinted_posenet.core.types import View
from hinted_posenet.data.formats import csv_frames, seven_scenes
from hinted_posenet.data.formats.csv_frames import COLUMNS

SEQUENCES, FRAMES = 26, 1000
KEPT: list[list[View]] = []  # so that no reader is given the memory of the one before
POSE = "0.99 -0.14 0 {x}\n0.14 0.99 0 0.5\n0 0 1 1.5\n0 0 0 1\n"


def main() -> None:
    """Write, read, print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root)
        print(f"{'':28}{'wall s':>8}{'CPU s':>8}{'bytes a frame':>16}")
        for truth in ("raw", "calibrated"):
            read = partial(seven_scenes.read_views, ground_truth=truth)
            report(f"7-Scenes, {truth}", partial(read, root, "scene", "train"))
        report("CSV", lambda: csv_frames.read_views(root, "table", "all"))


def report(title: str, read: Callable[[], list[View]]) -> None:
    """Time one reader."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    views = read()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(views) == SEQUENCES * FRAMES
    KEPT.append(views)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    print(f"{title:28}{wall:8.2f}{cpu:8.2f}{grown / len(views):16.0f}")


def write(root: Path) -> None:
    """Write a scene in the layout of 7-Scenes, and its table."""
    _, png = cv2.imencode(".png", np.zeros((480, 640, 3), np.uint8))
    rows = []
    for sequence in range(1, SEQUENCES + 1):
        folder = root / "scene" / f"seq-{sequence:02d}"
        folder.mkdir(parents=True)
        for frame in range(FRAMES):
            stem = folder / f"frame-{frame:06d}"
            stem.with_suffix(".color.png").write_bytes(png.tobytes() if frame == 0 else b"")
            stem.with_suffix(".pose.txt").write_text(POSE.format(x=frame / 1000))
            pose = f"0.9975,0,0,0.0707,{frame / 1000},0.5,1.5"
            camera = "525,525,320,240,,,,,,640,480"
            rows.append(f"{sequence}/{frame}.png,train,{sequence},,{pose},{camera}")
    splits = "".join(f"sequence{sequence}\n" for sequence in range(1, SEQUENCES + 1))
    (root / "scene" / "TrainSplit.txt").write_text(splits)
    (root / "table").mkdir()
    (root / "table" / "frames.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")


if __name__ == "__main__":
    main()
