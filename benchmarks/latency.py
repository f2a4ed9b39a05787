"""How long one image takes, by every method, in torch and in onnxruntime, on one and on two threads.

    hinted-posenet simulate recipe=naip
    for method in posenet hinted_residual hinted_memory ground_registration; do
        hinted-posenet train experiment=naip_$method
    done
    python benchmarks/latency.py runs/aerial/naip/*/seed-0 --image photo.jpg --position 0 0 650 --insert PAGE

One image, with a position to 10 m as its hint, is localized again and again. A round asks every method in every
runtime once, so that whatever else the machine does falls on all alike. Parts of an answer are timed in the same
round: decoding (read, decode, resize), the backbone, and the rest, which is the method.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tqdm import trange

from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint
from hinted_posenet.data.load_image import Pixels, load_image
from hinted_posenet.data.posed_images import in_unit_range
from hinted_posenet.data.training_camera import to_training_camera
from hinted_posenet.inference.export_graphs import HINT
from hinted_posenet.inference.export_model import export_model
from hinted_posenet.inference.export_parity import open_graph
from hinted_posenet.inference.export_settings import ExportSettings
from hinted_posenet.inference.locate import Localizer, load

WARM_UP = 5  # rounds that are not counted
SIGMA_M = 10.0  # of the hint's position
HEADER = [
    "method",
    "runtime",
    "threads",
    "decode [ms]",
    "backbone [ms]",
    "rest [ms]",
    "whole [ms]",
    "answer / backbone",
]

Parts = tuple[float, float, float, float]  # seconds: decoding, backbone, the rest, whole
Ask = Callable[[], Parts]


class Timed(NamedTuple):
    """A method in a runtime."""

    method: str
    runtime: str
    threads: int
    ask: Ask


def main() -> None:
    """Time all methods in turns, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="trained runs of one scene")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument(
        "--position", type=float, nargs=3, required=True, help="of its hint, metres"
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--insert", type=Path, help="a page with the marker 'latency'")
    given = parser.parse_args()
    torch.set_num_threads(1)
    hint = Hint.from_position(given.position, SIGMA_M)
    with tempfile.TemporaryDirectory() as folder:
        runs = [both_runtimes(run, given.image, hint, Path(folder)) for run in given.runs]
        timed = [one for run in runs for one in run]
        found: list[list[Parts]] = [[] for _ in timed]
        for number in trange(given.rounds + WARM_UP, desc="latency"):
            for one, times in zip(timed, found, strict=True):
                torch.set_num_threads(one.threads)
                parts = one.ask()
                if number >= WARM_UP:
                    times.append(parts)
    rows = [HEADER, *(row(one, np.array(times)) for one, times in zip(timed, found, strict=True))]
    print(text_table(rows))
    if given.insert:
        insert_text(given.insert, "latency", markdown_table(rows))


def both_runtimes(run: Path, image: Path, position: Hint, folder: Path) -> list[Timed]:
    """Return a method in torch and, if it can be exported, in onnxruntime."""
    localizer = load(run, "cpu")
    name = run.parent.name.replace("_", " ")
    hint = position if localizer.takes_hints else None
    timed = [Timed(name, "torch", threads, in_torch(localizer, image, hint)) for threads in (1, 2)]
    out = folder / run.parent.name
    try:
        export_model(ExportSettings(run, out))
    except InputError as error:
        print(error)
        return timed
    timed += [
        Timed(name, "onnxruntime", threads, in_onnx(localizer, out, image, hint, threads))
        for threads in (1, 2)
    ]
    return timed


def decoded(localizer: Localizer, image: Path) -> Pixels:
    """Return an image as the network takes it (3, H, W), uint8."""
    return to_training_camera(load_image(image), None, localizer.camera)[0]


def in_torch(localizer: Localizer, image: Path, hint: Hint | None) -> Ask:
    """Return what asks `Localizer.locate`, and its parts once more."""
    model = localizer.network.model

    def ask() -> Parts:
        started = time.perf_counter()
        localizer.locate(image, hint=hint, modes=0)
        whole_s = time.perf_counter() - started
        started = time.perf_counter()
        pixels = decoded(localizer, image)
        decode_s = time.perf_counter() - started
        with torch.inference_mode():
            batch = in_unit_range([pixels])
            started = time.perf_counter()
            model.pool(model.backbone(batch)[0])
            backbone_s = time.perf_counter() - started
        return decode_s, backbone_s, whole_s - decode_s - backbone_s, whole_s

    return ask


def in_onnx(
    localizer: Localizer, folder: Path, image: Path, hint: Hint | None, threads: int
) -> Ask:
    """Return what asks both graphs, one after the other."""
    to_feature, to_answer = (
        open_graph(folder / f"{name}.onnx", threads) for name in ("backbone", "head")
    )
    hints = {}
    if hint is not None:
        values = (*hint.pose, hint.covariance)
        hints = {name: part.numpy()[None] for name, part in zip(HINT, values, strict=True)}

    def ask() -> Parts:
        started = time.perf_counter()
        batch = np.ascontiguousarray(decoded(localizer, image).transpose(1, 2, 0))[None]
        read = time.perf_counter()
        (feature,) = to_feature({"image": batch})
        seen = time.perf_counter()
        to_answer({"feature": feature, **hints})
        ended = time.perf_counter()
        return read - started, seen - read, ended - seen, ended - started

    return ask


def row(one: Timed, times: npt.NDArray[np.float64]) -> list[str]:
    """Return the cells of a method in a runtime, of times (rounds, 4): median / 99 % in ms."""
    median, most = 1e3 * np.quantile(times, (0.5, 0.99), axis=0)
    cells = [f"{a:.1f} / {b:.1f}" for a, b in zip(median, most, strict=True)]
    answer = np.median(times[:, 1] + times[:, 2]) / np.median(times[:, 1])
    return [one.method, one.runtime, str(one.threads), *cells, f"{answer:.2f}"]


if __name__ == "__main__":
    with one_line_errors():
        main()
