"""How long one image takes, by every method, in torch and in onnxruntime, on one and on two threads.

    hinted-posenet simulate recipe=naip
    for method in posenet hinted_residual hinted_memory ground_registration; do
        hinted-posenet train experiment=naip_$method
    done
    python benchmarks/latency.py runs/aerial/naip/*/seed-0 --insert docs/export.md

One test image, with a GPS reading of 10 m as its hint, is localized again and again. A round asks every method in
every runtime once, so that whatever else the machine does falls on all alike. Parts of an answer are timed in the
same round: decoding (read, decode, resize), the backbone, and the method, which is all the rest.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import trange

from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint, View
from hinted_posenet.data.formats.aerial import read_views
from hinted_posenet.data.load_image import load_image
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
    "decode",
    "backbone",
    "method",
    "whole",
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
    parser.add_argument("--scene", type=Path, default=Path("simulated/aerial/naip"))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--insert", type=Path, help="a page with the marker 'latency'")
    given = parser.parse_args()
    view = read_views(given.scene.parent, given.scene.name, "test")[0]
    with tempfile.TemporaryDirectory() as folder:
        timed = [one for run in given.runs for one in both_runtimes(run, view, Path(folder))]
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


def both_runtimes(run: Path, view: View, folder: Path) -> list[Timed]:
    """Return a method in torch and, if it can be exported, in onnxruntime."""
    localizer = load(run, "cpu")
    name = run.parent.name.replace("_", " ")
    hint = Hint.from_position(view.T_world_cam.t.numpy() + 0.5 * SIGMA_M, SIGMA_M)
    hint = hint if localizer.takes_hints else None
    timed = [Timed(name, "torch", threads, in_torch(localizer, view, hint)) for threads in (1, 2)]
    out = folder / run.parent.name
    try:
        export_model(ExportSettings(run, out))
    except InputError as error:
        print(error)
        return timed
    timed += [
        Timed(name, "onnxruntime", threads, in_onnx(localizer, out, view, hint, threads))
        for threads in (1, 2)
    ]
    return timed


def decode(localizer: Localizer, view: View) -> np.ndarray:
    """Return an image as the network takes it (3, H, W), uint8."""
    return to_training_camera(load_image(view.image), None, localizer.camera)[0]


def in_torch(localizer: Localizer, view: View, hint: Hint | None) -> Ask:
    """Return what asks `Localizer.locate`, and its parts once more."""
    model = localizer.network.model

    def ask() -> Parts:
        started = time.perf_counter()
        localizer.locate(view.image, hint=hint)
        whole_s = time.perf_counter() - started
        started = time.perf_counter()
        pixels = decode(localizer, view)
        decode_s = time.perf_counter() - started
        with torch.inference_mode():
            image = in_unit_range([pixels])
            started = time.perf_counter()
            model.pool(model.backbone(image)[0])
            backbone_s = time.perf_counter() - started
        return decode_s, backbone_s, whole_s - decode_s - backbone_s, whole_s

    return ask


def in_onnx(localizer: Localizer, folder: Path, view: View, hint: Hint | None, threads: int) -> Ask:
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
        image = np.ascontiguousarray(decode(localizer, view).transpose(1, 2, 0))[None]
        decoded = time.perf_counter()
        (feature,) = to_feature({"image": image})
        seen = time.perf_counter()
        to_answer({"feature": feature, **hints})
        ended = time.perf_counter()
        return decoded - started, seen - decoded, ended - seen, ended - started

    return ask


def row(one: Timed, times: np.ndarray) -> list[str]:
    """Return the cells of a method in a runtime, of times (rounds, 4): median / 99 % in ms."""
    median, most = 1e3 * np.quantile(times, (0.5, 0.99), axis=0)
    cells = [f"{a:.1f} / {b:.1f}" for a, b in zip(median, most, strict=True)]
    answer = np.median(times[:, 1] + times[:, 2]) / np.median(times[:, 1])
    return [one.method, one.runtime, str(one.threads), *cells, f"{answer:.2f}"]


if __name__ == "__main__":
    with one_line_errors():
        main()
