"""Result files of several runs, read and lined up: the input of tables and figures."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.frames_file import (
    T_CAM_WORLD,
    Chosen,
    Floats,
    Frames,
    how_to_renew,
    read_frames,
)

NEAREST_CAMERA = "nearest camera (ORACLE)"
HINT_ANSWER = "hint as the answer"


class MethodPoses(NamedTuple):
    """What poses.csv says of one method, frame by frame in the order of the file."""

    frames: list[dict[str, str]]  # name, sequence, tags and neighbour
    error_t_m: Floats  # (N,)
    error_r_deg: Floats  # (N,)
    predicted_m: Floats  # (N, 3) camera centers in the world
    true_m: Floats  # (N, 3)
    T_cam_world: Floats  # (N, 7) predicted: qw, qx, qy, qz, tx, ty, tz
    sigma_t_m: Floats  # (N,) per axis, what the method says of its error; NaN where it says nothing
    sigma_r_deg: Floats  # (N,)

    @property
    def neighbour(self) -> list[str]:
        """(N,) names of the training images that poses were taken from; empty where from none."""
        return [frame["neighbour"] for frame in self.frames]


class Run(NamedTuple):
    """One results.json with its poses.csv."""

    folder: Path
    results: dict[str, Any]
    methods: dict[str, MethodPoses]

    @property
    def start(self) -> str | None:
        """Where the first hint came from: constant, network, retrieval, ...; None for a network without."""
        name = str(self.results["inference_hint"]).removesuffix("Hint").lower()
        return None if name == "no" else name

    @property
    def title(self) -> str:
        """Network and first hint: what runs of several seeds have in common."""
        title = str(self.results["name"])
        if self.start:
            title += f" from {self.start}"
        if self.results["oracle"]:
            title += " (ORACLE hint)" if self.start else " (ORACLE)"
        return title

    @property
    def has_hint_of_its_own(self) -> bool:
        """Whether its first hint, taken as the answer, is none of the controls that every table has."""
        return HINT_ANSWER in self.methods and self.start not in (
            "constant",
            "retrieval",
            "nearest",
        )

    def read_frames(self) -> dict[str, Frames]:
        """The frames that were scored, by the name of their split, and those of training."""
        return read_frames(self.folder / "frames.csv", len(self.results["frame_groups"]))

    @property
    def last_step(self) -> str:
        """Method name of the network's last pass."""
        return [method for method in self.methods if method.startswith("pass ")][-1]

    @property
    def frames(self) -> list[dict[str, str]]:
        """Name, sequence and tags of the N frames that were scored."""
        return next(iter(self.methods.values())).frames

    @property
    def groups(self) -> list[str]:
        """Names of the groups that frames are in."""
        return list(dict.fromkeys(name for names in self.results["frame_groups"] for name in names))

    def in_group(self, name: str) -> Chosen:
        """Which frames (N,) are in a group."""
        return np.array([name in names for names in self.results["frame_groups"]])

    def sequences(self, frames: Chosen) -> list[str] | None:
        """Of chosen frames (N,), which a bootstrap resamples; None where they are independent of each other.

        Flights of an aerial set are strata of its design, and their views are drawn one by one.
        """
        if self.results["data"]["name"].startswith("aerial"):
            return None
        return [row["sequence"] for row, chosen in zip(self.frames, frames, strict=True) if chosen]


def read_runs(folders: list[Path]) -> list[Run]:
    """Read runs and make sure that they answer the same question: scene, ground truth, split and frames."""
    if not folders:
        raise InputError(
            "compare: no runs; give the folders of at least one, e.g. runs/aerial/quickstart/*/*"
        )
    runs = [_read_run(folder) for folder in folders]
    first = runs[0]
    for run in runs[1:]:
        for key in ("data", "split"):
            if run.results[key] != first.results[key]:
                raise InputError(
                    f"{run.folder}: {key} is {run.results[key]}, but {first.folder} has {first.results[key]}; "
                    "compare runs of one scene, ground truth and split"
                )
        if [frame["name"] for frame in run.frames] != [frame["name"] for frame in first.frames]:
            raise InputError(
                f"{run.folder}: scored other frames than {first.folder}; evaluate both on the same data set"
            )
    return runs


def read_scenes(folders: list[Path]) -> list[list[Run]]:
    """Runs by scene, in the order given."""
    scenes: dict[str, list[Path]] = {}
    for folder in folders:
        scene = read_results(_results_file(folder))["data"]["scene"]
        scenes.setdefault(scene, []).append(folder)
    return [read_runs(same) for same in scenes.values()]


def by_title(
    runs: list[Run], title_of: Callable[[Run], str] = lambda run: run.title
) -> dict[str, list[Run]]:
    """Runs that differ in their seed alone, together, in the order given."""
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        title, seed = title_of(run), run.results["seed"]
        if seed in [other.results["seed"] for other in grouped[title]]:
            raise InputError(f"{run.folder}: second run of {title} with seed {seed}")
        grouped[title].append(run)
    return dict(grouped)


def by_training(groups: Iterable[str]) -> list[str]:
    """Of the names of groups, those of what training saw and what not."""
    return [name for name in groups if {"seen", "unseen"} & set(name.split())]


def read_results(path: Path) -> dict[str, Any]:
    """What ``results.write_results`` wrote."""
    results = read_json(path)
    for row in results["rows"]:
        row.update({key: math.inf for key, value in row.items() if value == "inf"})
    return results


def read_json(path: Path) -> dict[str, Any]:
    """A file that a run wrote, whole or not at all: a broken one was changed since, or its disk was full."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(
            f"{path}: not readable as JSON ({error}); delete it and run again"
        ) from None
    return content


def _results_file(folder: Path) -> Path:
    file = folder if folder.suffix == ".json" else folder / "results.json"
    if not file.is_file():
        raise InputError(f"{file}: no such file; give folders of finished runs")
    return file


def _read_run(folder: Path) -> Run:
    file = _results_file(folder)
    results = read_results(file)
    columns: dict[str, list[dict[str, str]]] = defaultdict(list)
    poses = file.parent / "poses.csv"
    if not poses.is_file():
        raise InputError(
            f"{poses}: no such file, though {file.name} is there; evaluate the run again"
        )
    with poses.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            columns[row["method"]].append(row)
    if not all("neighbour" in rows[0] for rows in columns.values()):
        raise InputError(f"{poses}: of an older version; {how_to_renew(file.parent)}")
    count = len(results["frame_groups"])
    try:
        methods = {name: _poses(rows) for name, rows in columns.items()}
    except (KeyError, TypeError, ValueError):  # a line that was cut off, or is no line of ours
        methods = {}
    scored = {row["method"] for row in results["rows"]}
    if methods.keys() != scored or any(len(m.frames) != count for m in methods.values()):
        raise InputError(f"{poses}: cut off or changed; {how_to_renew(file.parent)}")
    return Run(file.parent, results, methods)


def _poses(rows: list[dict[str, str]]) -> MethodPoses:
    def numbers(*keys: str) -> Floats:
        return np.array([[float(row[key] or "nan") for key in keys] for row in rows])

    return MethodPoses(
        frames=rows,
        error_t_m=numbers("error_t_m")[:, 0],
        error_r_deg=numbers("error_r_deg")[:, 0],
        predicted_m=numbers("predicted_x_m", "predicted_y_m", "predicted_z_m"),
        true_m=numbers("true_x_m", "true_y_m", "true_z_m"),
        T_cam_world=numbers(*T_CAM_WORLD),
        sigma_t_m=numbers("sigma_t_m")[:, 0],
        sigma_r_deg=numbers("sigma_r_deg")[:, 0],
    )
