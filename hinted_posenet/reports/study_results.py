"""A study read from its run folders: methods x hints x seeds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.run_files import Run, by_training, read_json, read_results, read_runs

OWN = "none"  # the hint of a network that takes none: its own run
NULL = "null_hint"


class Study(NamedTuple):
    """What a scene's runs hold."""

    runs: dict[tuple[str, str], list[Run]]  # (method, hint) -> a run for each seed
    curves: dict[str, list[dict[str, Any]]]  # method -> curves.json of each seed
    wanted: Sequence[str] = ()  # groups of frames; empty: those of what training saw and what not

    @property
    def methods(self) -> list[str]:
        """In the order of the study."""
        return list(dict.fromkeys(method for method, _ in self.runs))

    @property
    def hints(self) -> list[str]:
        """No hint first, then those that cost nothing, then those that say more."""
        found = dict.fromkeys(hint for _, hint in self.runs)
        order = ["none", "constant", "network", "retrieval", "nearest"]
        return sorted(
            found, key=lambda hint: order.index(hint) if hint in order else 5.0 + sigma_m(hint)
        )

    @property
    def first(self) -> Run:
        """Any run: they have scene, frames and groups in common."""
        return next(iter(self.runs.values()))[0]

    @property
    def readers(self) -> list[list[str]]:
        """Methods by the features that they read: what retrieval answers depends on those."""
        found: dict[str, dict[str, None]] = {}
        for (method, _), runs in self.runs.items():
            config = runs[0].results["config"]
            features = json.dumps([config["backbone"], config["pool"]])
            found.setdefault(features, {})[method] = None
        return [list(methods) for methods in found.values()]

    def groups(self) -> dict[str, Chosen]:
        """Frames (N,) bool by name: those asked for, or what training saw and what not, or all."""
        found = self.first.groups
        for name in self.wanted:
            if name not in found:
                raise InputError(f"--groups {name}: choose among {', '.join(found)}")
        chosen = self.wanted or sorted(by_training(found)) or ["all"]
        return {name: self.first.in_group(name) for name in chosen}

    def errors(self, method: str, hint: str, row: str | None = None) -> Floats | None:
        """Metres and degrees (2, seeds, N) of a row of the runs' files, the last pass by default."""
        runs = self.runs.get((method, hint))
        if not runs:
            return None
        poses = [run.methods.get(row or run.last_step) for run in runs]
        if any(pose is None for pose in poses):
            return None
        return np.stack([[p.error_t_m for p in poses if p], [p.error_r_deg for p in poses if p]])


def read_study(
    folders: list[Path], hints: set[str] | None = None, groups: Sequence[str] = ()
) -> Study:
    """Read runs with the runs under other hints inside them, or under some of them.

    Args:
        folders: of runs.
        hints: names of those to read.
        groups: of frames; if none are named, what training saw and what not.
    """
    runs: dict[tuple[str, str], list[Run]] = {}
    curves: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        inside = sorted(folder.glob("from-*/results.json"))
        for file in inside or [folder / "results.json"]:
            hint = file.parent.name.removeprefix("from-") if inside else OWN
            if hints is not None and hint not in hints:
                continue
            (run,) = read_runs([file.parent])
            runs.setdefault((str(run.results["name"]), hint), []).append(run)
        if (folder / "curves.json").is_file():
            name = str(read_results(folder / "results.json")["name"])
            curves.setdefault(name, []).append(read_json(folder / "curves.json"))
    return Study(runs, curves, groups)


class Point(NamedTuple):
    """Medians at one sigma of a simulated sensor, means over the seeds."""

    hint_m: float
    answer_m: float


def sweep_points(curves: list[dict[str, Any]], frames: Chosen) -> list[Point]:
    """The sweep of a method, from the curves of its seeds."""

    def median_m(same: tuple[dict[str, Any], ...], key: str) -> float:
        return float(np.mean([np.median(np.array(p[key]["t_m"])[frames]) for p in same]))

    sweeps = zip(*(curve["sweep"] for curve in curves), strict=True)
    return [Point(median_m(same, "hint"), median_m(same, "answer")) for same in sweeps]


def sigma_m(hint: str) -> float:
    """Of a simulated sensor: sensor-50m."""
    return float(hint.removeprefix("sensor-").removesuffix("m"))
