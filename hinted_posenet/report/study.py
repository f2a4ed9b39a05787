"""Tables of a study: methods x hints, their controls, and what hints gain."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.report.compare import bootstrap_interval, markdown_table
from hinted_posenet.report.runs import Floats, Run, read_runs
from hinted_posenet.report.table import length, text_table

OWN = "none"  # the hint of a network that takes none: its own run
CONTROLS = ("constant pose", "retrieval", "k-NN", "kernel regression")
NULL = "null_hint"


class Study(NamedTuple):
    """What a scene's runs hold."""

    runs: dict[tuple[str, str], list[Run]]  # (method, hint) -> a run for each seed
    curves: dict[str, list[dict[str, Any]]]  # method -> curves.json of each seed

    @property
    def methods(self) -> list[str]:
        """In the order of the study."""
        return list(dict.fromkeys(method for method, _ in self.runs))

    @property
    def hints(self) -> list[str]:
        """No hint first, then those that cost nothing, then those that say more."""
        found = dict.fromkeys(hint for _, hint in self.runs)
        order = ["none", "constant", "network", "retrieval", "nearest"]
        return sorted(found, key=lambda hint: order.index(hint) if hint in order else len(order))

    @property
    def first(self) -> Run:
        """Any run: they have scene, frames and groups in common."""
        return next(iter(self.runs.values()))[0]

    def groups(self) -> dict[str, Floats]:
        """Frames (N,) bool by name: what training saw and what not, or all where that is no question."""
        names = self.first.results["frame_groups"]
        found = dict.fromkeys(name for frame in names for name in frame)
        split = [name for name in found if {"seen", "unseen"} & set(name.split())]
        return {name: np.array([name in frame for frame in names]) for name in split or ["all"]}

    def errors(self, method: str, hint: str, row: str | None = None) -> Floats | None:
        """Metres and degrees (2, seeds, N) of a row of the runs' files, the last pass by default."""
        runs = self.runs.get((method, hint))
        if not runs:
            return None
        poses = [run.methods.get(row or run.last_pass) for run in runs]
        if any(pose is None for pose in poses):
            return None
        return np.stack([[p.error_t_m for p in poses if p], [p.error_r_deg for p in poses if p]])


def read_study(folders: list[Path]) -> Study:
    """Read runs with the runs under other hints inside them."""
    runs: dict[tuple[str, str], list[Run]] = {}
    curves: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        inside = sorted(folder.glob("from-*/results.json"))
        for file in inside or [folder / "results.json"]:
            (run,) = read_runs([file.parent])
            hint = file.parent.name.removeprefix("from-") if inside else OWN
            runs.setdefault((str(run.results["name"]), hint), []).append(run)
            if hint == OWN and (folder / "curves.json").is_file():
                content = json.loads((folder / "curves.json").read_text())
                curves.setdefault(str(run.results["name"]), []).append(content)
    return Study(runs, curves)


def study_tables(study: Study, markdown: bool = False) -> list[str]:
    """For each group of frames: errors, errors with another image, and what hints gain."""
    tables: list[tuple[str, list[list[str]]]] = []
    for name, frames in study.groups().items():
        tables.append((f"{name} ({frames.sum()} frames)", _error_rows(study, frames)))
        tables.append((f"{name}, with another image", _shuffled_rows(study, frames)))
        if NULL in study.methods:
            tables.append((f"{name}, gains", _gain_rows(study, frames)))
    return [_titled(title, rows, markdown) for title, rows in tables if len(rows) > 1]


def _titled(title: str, rows: list[list[str]], markdown: bool) -> str:
    if markdown:
        return f"**{title}**\n\n{markdown_table(rows)}"
    return f"{title}\n{text_table(rows)}"


def _error_rows(study: Study, frames: Floats) -> list[list[str]]:
    """Median position and rotation, with the interval of the position; hints across, methods down."""
    hints = study.hints
    rows = [["median errors", *(_hint_title(hint) for hint in hints)]]
    answer = "hint as the answer"
    rows.append([answer, *(_cell(_any(study, answer, hint), frames) for hint in hints)])
    blank = [""] * (len(hints) - 1)
    rows += [[name, _cell(_any(study, name), frames), *blank] for name in CONTROLS]
    for method in study.methods:
        cells = [_cell(study.errors(method, hint), frames) for hint in hints]
        rows.append([method, *cells])
    return rows


def _shuffled_rows(study: Study, frames: Floats) -> list[list[str]]:
    """Median positions with another image: as good as with the right one where a network copies its hint."""
    hints = [hint for hint in study.hints if hint != OWN]
    rows = [["another image", *(_hint_title(hint) for hint in hints)]]
    for method in study.methods:
        found = [study.errors(method, hint, "shuffled image") for hint in hints]
        if any(errors is not None for errors in found):
            rows.append(
                [method, *("-" if e is None else length(_median(e[0][:, frames])) for e in found)]
            )
    return rows


def _any(study: Study, row: str, hint: str | None = None) -> Floats | None:
    """A control's errors (2, 1, N) from the first run that has it: it is the same in all."""
    for method, asked in study.runs:
        found = study.errors(method, asked, row) if hint in (None, asked) else None
        if found is not None:
            return found[:, :1]
    return None


def _cell(errors: Floats | None, frames: Floats) -> str:
    if errors is None:
        return "-"
    t_m, r_deg = errors[:, :, frames]
    number, unit = length(_median(t_m)).split()
    factor = 100.0 if unit == "cm" else 1.0
    low, high = (f"{factor * bound:.3g}" for bound in bootstrap_interval(t_m))
    return f"{number} [{low}, {high}] {unit}, {_median(r_deg):.1f}°"


def _median(errors: Floats) -> float:
    """Of the frames, mean over the seeds."""
    return float(np.mean(np.median(errors, axis=1)))


def _hint_title(hint: str) -> str:
    if hint.startswith("sensor-"):
        sigma_m = float(hint.removeprefix("sensor-").removesuffix("m"))
        return f"GPS {length(sigma_m).replace('.00', '')} (ORACLE)"
    return {"none": "no hint", "nearest": "nearest (ORACLE)"}.get(hint, hint)


def _gain_rows(study: Study, frames: Floats) -> list[list[str]]:
    """Ratios of median position errors; below 1 is a gain."""
    null = study.errors(NULL, OWN)
    assert null is not None
    null_m = _median(null[0][:, frames])
    retrieval_m = _median(np.asarray(_any(study, "retrieval"))[0][:, frames])
    free = [hint for hint in study.hints if hint in ("none", "constant", "network", "retrieval")]
    header = ["ratios"]
    header += [f"{_hint_title(hint)}: of null hint" for hint in free]
    header += [
        "best of them: of retrieval",
        "worst of sweep: of min(hint, null)",
        "of ideal fusion",
    ]
    rows = [header]
    for method in study.methods:
        found = [study.errors(method, hint) for hint in free]
        medians = [None if e is None else _median(e[0][:, frames]) for e in found]
        cells = ["-" if m is None else f"{m / null_m:.2f}" for m in medians]
        best = min(m for m in medians if m is not None)
        points = sweep_points(study.curves.get(method, []), frames)
        worst: list[Callable[[Point], float]] = [
            lambda point: point.answer_m / min(point.hint_m, null_m),
            lambda point: point.answer_m * np.hypot(point.hint_m, null_m) / (point.hint_m * null_m),
        ]
        ratios = [f"{max(map(of, points)):.2f}" if points else "-" for of in worst]
        rows.append([method, *cells, f"{best / retrieval_m:.2f}", *ratios])
    return rows


class Point(NamedTuple):
    """Medians at one sigma of a simulated sensor, means over the seeds."""

    sigma_m: float
    hint_m: float
    answer_m: float


def sweep_points(curves: list[dict[str, Any]], frames: Floats) -> list[Point]:
    """The sweep of a method."""
    if not curves:
        return []
    points = []
    for same in zip(*(curve["sweep"] for curve in curves), strict=True):
        medians = [
            float(np.mean([np.median(np.array(p[key]["t_m"])[frames]) for p in same]))
            for key in ("hint", "answer")
        ]
        points.append(Point(same[0]["fraction"] * curves[0]["extent_m"], *medians))
    return points
