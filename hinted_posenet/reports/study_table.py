"""A study read from its run folders: methods x hints x seeds; its tables, and what hints gain."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.formatting import degrees, length, length_interval, short_length
from hinted_posenet.core.tables import markdown_table, text_table
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.evaluation.calibration import claims_held
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.metrics import modes_key, recalls_of
from hinted_posenet.evaluation.predictions import (
    CONSTANT,
    HINT_ANSWER,
    MODES,
    NEAREST_CAMERA,
    ORACLE,
    RETRIEVAL,
    SHUFFLED_IMAGE,
    method_title,
)
from hinted_posenet.evaluation.results_file import read_curves, read_results
from hinted_posenet.evaluation.run_files import Run, read_runs
from hinted_posenet.reports.mode_lines import shares_of_modes

OWN = "none"  # the hint of a network that takes none: its own run
NULL = "null_hint"
TITLES = {
    "errors": " ({} frames)",
    "recall": ", within 5 % of the scene's extent",
    "other image": ", with another image",
    "gains": ", gains",
    "calibration": "claimed 95 % of position holds",
    "modes": "found by the first / by any of {} modes",
}
KINDS = tuple(TITLES)
CONTROLS = (CONSTANT, NEAREST_CAMERA, RETRIEVAL, "k-NN", "kernel regression")
NO_FEATURES = 2  # the first ones, which use no features


class Study(NamedTuple):
    """What a scene's runs hold."""

    runs: dict[tuple[str, str], list[Run]]  # (method, hint) -> a run for each seed
    curves: dict[str, list[dict[str, Any]]]  # method -> curves.json of each seed
    wanted: Sequence[str] = ()  # groups of frames; empty: what training saw and what not

    @property
    def methods(self) -> list[str]:
        """Methods in the order of the study."""
        return list(dict.fromkeys(method for method, _ in self.runs))

    @property
    def hints(self) -> list[str]:
        """Hints: none first, then those that cost nothing, then oracles and sensors by their sigma."""
        found = dict.fromkeys(hint for _, hint in self.runs)
        order = ("none", "constant", "network", "retrieval", "nearest")
        places = {hint: float(number - len(order)) for number, hint in enumerate(order)}
        return sorted(found, key=lambda hint: places.get(hint, self.sigma_m(hint) or 0.0))

    @property
    def first(self) -> Run:
        """Any run: all share scene, frames and groups."""
        return next(iter(self.runs.values()))[0]

    @property
    def readers(self) -> list[list[str]]:
        """Methods by the features that they use, on which the answers of retrieval depend."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for (method, _), runs in self.runs.items():
            found[json.dumps(runs[0].reads)][method] = None
        return [list(methods) for methods in found.values()]

    def sigma_m(self, hint: str) -> float | None:
        """Return the sigma of a simulated sensor; None for other hints."""
        run = next(runs[0] for (_, asked), runs in self.runs.items() if asked == hint)
        described = run.results["inference_hint"]
        return float(described["sigma_t_m"]) if described["name"] == "oracle" else None

    def groups(self) -> dict[str, Chosen]:
        """Return frames (N,) by name: those asked for, or what training saw and what not, or all."""
        chosen = self.wanted or sorted(self.first.season_groups) or ["all"]
        return self.first.in_groups(chosen)

    def errors(self, method: str, hint: str, row: str | None = None) -> Floats | None:
        """Return metres and degrees (2, seeds, N) of a method of the runs, the last step by default."""
        runs = self.runs.get((method, hint))
        if not runs:
            return None
        found = [run.methods.get(row) if row else run.steps[-1] for run in runs]
        poses = [pose for pose in found if pose]
        if len(poses) < len(runs):
            return None
        return np.array([[p.error_t_m for p in poses], [p.error_r_deg for p in poses]])


def read_study(
    folders: list[Path], hints: set[str] | None = None, groups: Sequence[str] = ()
) -> Study:
    """Read runs, with the runs under other hints in their folders: those named in ``hints``, or all."""
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    curves: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for folder in folders:
        inside = sorted(folder.glob("from-*/results.json"))
        for file in inside or [folder / "results.json"]:
            hint = file.parent.name.removeprefix("from-") if inside else OWN
            if hints is not None and hint not in hints:
                continue
            (run,) = read_runs([file.parent])
            runs[run.results["name"], hint].append(run)
        if (folder / "curves.json").is_file():
            results = read_results(folder / "results.json")
            count = len(results["frame_groups"])
            curves[results["name"]].append(read_curves(folder / "curves.json", count))
    return Study(dict(runs), dict(curves), groups)


def sweep_medians(curves: list[dict[str, Any]], frames: Chosen, key: str) -> Floats:
    """Return medians (sensors,) in metres of a method's hints or answers, means over the curves of its seeds."""
    sweeps = [[point[key]["t_m"] for point in curve["sweep"]] for curve in curves]
    return np.asarray(np.median(np.array(sweeps)[:, :, frames], axis=2).mean(axis=0))


class StudyTable(NamedTuple):
    """A title, a header and lines of cells; the columns depend on the kind of table."""

    title: str
    rows: list[list[str]]

    def text(self) -> str:
        """Return the table for a terminal."""
        return f"{self.title}\n{text_table(self.rows)}"

    def markdown(self) -> str:
        """Return the table as Markdown."""
        return f"**{self.title}**\n\n{markdown_table(self.rows)}"


def study_tables(study: Study, kinds: Sequence[str] = KINDS) -> Iterator[StudyTable]:
    """Yield tables of some kinds by group of frames, of calibration and modes for all; empty ones are left out."""
    makers = (_error_rows, _recall_rows, _shuffled_rows, _gain_rows)
    rows_of = dict(zip(KINDS, makers, strict=False))
    for name, frames in study.groups().items():
        for kind in (kind for kind in kinds if kind in rows_of):
            rows = rows_of[kind](study, frames)
            if len(rows) > 1:
                yield StudyTable(f"{name}{TITLES[kind].format(frames.sum())}", rows)
    rows = _calibration_rows(study) if "calibration" in kinds else []
    if len(rows) > 1:
        yield StudyTable(f"{TITLES['calibration']}: {' / '.join(study.groups())}", rows)
    rows = _mode_rows(study) if "modes" in kinds else []
    if len(rows) > 1:
        yield StudyTable(TITLES["modes"].format(MODES), rows)


def _error_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Return median position and rotation, with the interval of the position; hints across, methods down."""
    hints = study.hints
    rows = [["median errors", *(_hint_title(study, hint) for hint in hints)]]
    blank = [""] * (len(hints) - 1)
    sequences = study.first.sequences(frames)

    def cell(errors: Floats | None) -> str:
        if errors is None:
            return "-"
        t_m, r_deg = errors[:, :, frames]
        position = length_interval(median(t_m), *bootstrap_interval(t_m, sequences))
        return f"{position}, {degrees(median(r_deg))}"

    for number, methods in enumerate(study.readers):
        whose = f", features of {methods[0]}" if number else ""
        answers = [_any(study, methods, HINT_ANSWER, hint) for hint in hints]
        rows.append([f"{HINT_ANSWER}{whose}", *map(cell, answers)])
        for name in CONTROLS[NO_FEATURES:] if number else CONTROLS:
            title = f"{method_title(name, None)}{whose}"
            rows.append([title, cell(_any(study, methods, name)), *blank])
    return rows + [
        [method, *(cell(study.errors(method, hint)) for hint in hints)] for method in study.methods
    ]


def _recall_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Return the share of frames with position errors below 5 % of the side of the scene's box."""
    if not study.curves:
        return []
    within_m = 0.05 * 2 * next(iter(study.curves.values()))[0]["half_extent_m"]
    rows = [[f"within {length(within_m)}", *(_hint_title(study, hint) for hint in study.hints)]]
    for method in study.methods:
        found = [study.errors(method, hint) for hint in study.hints]
        shares = (None if e is None else float((e[0][:, frames] < within_m).mean()) for e in found)
        rows.append([method, *("-" if share is None else f"{share:.0%}" for share in shares)])
    return rows


def _shuffled_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Return median position errors with another image: as low as with the right one if a network copies."""
    hints = [hint for hint in study.hints if hint != OWN]
    rows = [["another image", *(_hint_title(study, hint) for hint in hints)]]
    for method in study.methods:
        found = [study.errors(method, hint, SHUFFLED_IMAGE) for hint in hints]
        cells = ["-" if e is None else length(median(e[0][:, frames])) for e in found]
        if set(cells) != {"-"}:
            rows.append([method, *cells])
    return rows


def _calibration_rows(study: Study) -> list[list[str]]:
    """Return the shares of positions within the regions that claim 95 %: seen frames beside unseen ones."""
    groups = study.groups().values()
    rows = [["claimed 95 % holds", *(_hint_title(study, hint) for hint in study.hints)]]
    for method in study.methods:
        cells = []
        for hint in study.hints:
            runs = study.runs.get((method, hint), [])
            nees = np.array([run.steps[-1].nees_position for run in runs])
            found = [claims_held(nees[:, frames]) for frames in groups] if runs else []
            shares = ["-" if held is None else f"{100 * held:.0f}" for held in found]
            cells.append(f"{' / '.join(shares)} %" if set(shares) - {"-"} else "-")
        if set(cells) != {"-"}:
            rows.append([method, *cells])
    return rows


def _mode_rows(study: Study) -> list[list[str]]:
    """Return recalls of the last step, of the first mode and of any: methods and groups down, hints across."""
    recalls = recalls_of(study.first.results)
    if not recalls:
        return []
    rows = [[recalls[-1].title, *(_hint_title(study, hint) for hint in study.hints)]]
    for method in study.methods:
        for group in study.groups():
            cells = []
            for hint in study.hints:
                every = (
                    row for run in study.runs.get((method, hint), []) for row in run.results["rows"]
                )
                found = [row for row in every if row["group"] == group]
                found = [row for row in found if modes_key(recalls[-1].key, MODES) in row]
                cells.append(shares_of_modes(found, recalls[-1].key) if found else "-")
            if set(cells) != {"-"}:
                rows.append([f"{method}, {group}", *cells])
    return rows


def _any(study: Study, methods: list[str], row: str, hint: str | None = None) -> Floats | None:
    """Return errors (2, seeds, N) of a row that all methods with the same features share."""
    runs = (
        (name, asked) for name, asked in study.runs if name in methods and hint in (None, asked)
    )
    found = (study.errors(*run, row) for run in runs)
    return next((errors for errors in found if errors is not None), None)


def _hint_title(study: Study, hint: str) -> str:
    sigma_m = study.sigma_m(hint)
    if sigma_m is not None:
        return f"GPS {short_length(sigma_m)} {ORACLE}"
    return {"none": "no hint", "nearest": f"nearest {ORACLE}"}.get(hint, hint)


def _gain_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Return ratios of median position errors: below 1 is a gain. Retrieval uses the method's own features."""
    if NULL not in study.methods:
        return []
    null = study.errors(NULL, OWN)
    assert null is not None
    null_m = median(null[0][:, frames])
    free = [hint for hint in study.hints if hint in ("none", "constant", "network", "retrieval")]
    header = ["ratios", *(f"{_hint_title(study, hint)}: of null hint" for hint in free)]
    header += ["last of them: of retrieval", f"worst of sweep {ORACLE}: of min(hint, null)"]
    rows = [[*header, "of ideal fusion"]]
    sequences = study.first.sequences(frames)

    def gain(errors: Floats | None, over: Floats | None) -> str:
        if errors is None or over is None:
            return "-"
        return difference(errors[0][:, frames], over[0][:, frames], sequences).text

    for method in study.methods:
        found = [study.errors(method, hint) for hint in free]
        retrieval = _any(study, [method], RETRIEVAL)
        # not the best of them, which would be selected on the test split
        last = next((errors for errors in reversed(found) if errors is not None), None)
        cells = [gain(errors, null) for errors in found] + [gain(last, retrieval)]
        ratios = ["-", "-"]
        if curves := study.curves.get(method):
            hint_m, answer_m = (sweep_medians(curves, frames, key) for key in ("hint", "answer"))
            ideal_m = hint_m * null_m / np.hypot(hint_m, null_m)
            limits = (np.minimum(hint_m, null_m), ideal_m)
            ratios = [f"{(answer_m / limit_m).max():.2f}" for limit_m in limits]
        rows.append([method, *cells, *ratios])
    return rows
