"""Result files of several runs, read and lined up: the input of tables and figures."""

import csv
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.types import InputError

Floats = NDArray[np.float64]


class MethodPoses(NamedTuple):
    """What poses.csv says of one method, frame by frame in the order of the file."""

    frames: list[dict[str, str]]  # name, sequence and tags
    error_t_m: Floats  # (N,)
    error_r_deg: Floats  # (N,)
    predicted_m: Floats  # (N, 3) camera centres in the world
    true_m: Floats  # (N, 3)


class Run(NamedTuple):
    """One results.json with its poses.csv."""

    folder: Path
    results: dict[str, Any]
    methods: dict[str, MethodPoses]

    @property
    def start(self) -> str | None:
        """Where the first hint came from: constant, network, retrieval, ...; None for a network without."""
        name = str(self.results["start_hint"]).removesuffix("Hint").lower()
        return None if name == "no" else name

    @property
    def title(self) -> str:
        """Network and first hint: what runs of several seeds have in common."""
        title = str(self.results["name"])
        if self.start:
            title += f" from {self.start}"
        return title + (" (ORACLE hint)" if self.results["oracle"] else "")

    @property
    def last_pass(self) -> str:
        """Method name of the network's last pass."""
        return [method for method in self.methods if method.startswith("pass ")][-1]


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
        if _names(run) != _names(first):
            raise InputError(
                f"{run.folder}: scored other frames than {first.folder}; evaluate both on the same data set"
            )
    return runs


def by_title(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs that differ in their seed alone, together, in the order given."""
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        seeds = [other.results["seed"] for other in grouped[run.title]]
        if run.results["seed"] in seeds:
            raise InputError(
                f"{run.folder}: second run of {run.title} with seed {run.results['seed']}"
            )
        grouped[run.title].append(run)
    return dict(grouped)


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


def _read_run(folder: Path) -> Run:
    file = folder if folder.suffix == ".json" else folder / "results.json"
    if not file.is_file():
        raise InputError(f"{file}: no such file; give folders of finished runs")
    columns: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (file.parent / "poses.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            columns[row["method"]].append(row)
    return Run(
        file.parent, read_results(file), {name: _poses(rows) for name, rows in columns.items()}
    )


def _poses(rows: list[dict[str, str]]) -> MethodPoses:
    def numbers(*keys: str) -> Floats:
        return np.array([[float(row[key]) for key in keys] for row in rows])

    return MethodPoses(
        frames=rows,
        error_t_m=numbers("error_t_m")[:, 0],
        error_r_deg=numbers("error_r_deg")[:, 0],
        predicted_m=numbers("predicted_x_m", "predicted_y_m", "predicted_z_m"),
        true_m=numbers("true_x_m", "true_y_m", "true_z_m"),
    )


def _names(run: Run) -> list[str]:
    return [frame["name"] for frame in next(iter(run.methods.values())).frames]
