"""Tables of runs, on one scene or several: medians with bootstrap intervals, beside their controls."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import degrees, degrees_interval, length, length_interval
from hinted_posenet.core.tables import Table, text_table
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.evaluation.calibration import claims_held
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.metrics import recalls_of
from hinted_posenet.evaluation.predictions import (
    CONSTANT,
    HINT_ANSWER,
    NEAREST_CAMERA,
    ORACLE,
    RETRIEVAL,
    method_title,
)
from hinted_posenet.evaluation.run_files import Run, by_title
from hinted_posenet.evaluation.write_run import LABELS
from hinted_posenet.reports.calibration_lines import calibration_lines
from hinted_posenet.reports.mode_lines import mode_lines
from hinted_posenet.reports.published import AVERAGE, Published

KEYS = (("median_t_m", "median_r_deg"), ("mean_t_m", "mean_r_deg"), ("p95_t_m", "p95_r_deg"))


class Row(NamedTuple):
    """A line of the table: one method of runs that differ in their seed."""

    title: str
    runs: list[Run]
    method: str  # in poses.csv

    def errors(self, frames: Chosen) -> tuple[Floats, Floats]:
        """Return errors in metres and degrees (seeds, n) on chosen frames (N,)."""
        poses = [run.methods[self.method] for run in self.runs]
        t_m, r_deg = zip(
            *((p.error_t_m[frames], p.error_r_deg[frames]) for p in poses), strict=True
        )
        return np.stack(t_m), np.stack(r_deg)

    def claims_held(self, frames: Chosen) -> float | None:
        """Return the share of positions within their claimed 95 % regions; None where none is stated."""
        nees = [run.methods[self.method].nees_position[frames] for run in self.runs]
        return claims_held(np.stack(nees))


def comparison(
    runs: list[Run],
    groups: list[str] | None = None,
    reference: str | None = None,
    published: Sequence[Published] = (),
) -> Table:
    """Return the table of all runs of one scene and split: a block per group of frames, a line per method.

    A number is the median over the frames, averaged over seeds, with its bootstrap 95 % interval. Where methods
    state covariances, a column tells how many of the positions lie within the regions that claim 95 %. Without
    ``groups`` they are all frames, and what training saw or not. Against the line with the title ``reference``
    the others are tested: ratio of the medians, with a p-value.
    """
    first, rows = runs[0], table_rows(runs)
    base = next((row for row in rows if row.title == reference), None)
    if reference and not base:
        titles = ", ".join(row.title for row in rows)
        raise InputError(f"reference={reference}: choose among {titles}")
    recalls = recalls_of(first.results)
    header = ["", "seeds", "position [95 %]", "rotation [95 %]"]
    everything = np.ones(len(first.frames), dtype=bool)
    has_claims = any(row.claims_held(everything) is not None for row in rows)
    header += ["claimed 95 % holds"] * has_claims
    has_constant = rows[0].method == CONSTANT
    header += ["of constant"] * has_constant
    if recalls:
        header.append("recall " + " / ".join(r.title.removeprefix("≤ ") for r in recalls))
    header += [f"position of {reference} [95 %]", "p"] * bool(base)
    data = first.results["data"]
    table = Table(table_title(first, f"{data['name']}/{data['scene']}"), header)
    for group, frames in chosen_frames(runs, groups).items():
        table.block(f"{group} ({frames.sum()} frames)")
        sequences = first.sequences(frames)
        constant_m = median(rows[0].errors(frames)[0])
        for row in rows:
            t_m, r_deg = row.errors(frames)
            cells = [row.title, str(len(row.runs))]
            for errors, text in ((t_m, length_interval), (r_deg, degrees_interval)):
                cells.append(text(median(errors), *bootstrap_interval(errors, sequences)))
            held = row.claims_held(frames)
            cells += ["-" if held is None else f"{100 * held:.0f} %"] * has_claims
            cells += [f"{median(t_m) / constant_m:.3f}"] * has_constant
            if recalls:
                shares = (f"{100 * recall.share(t_m, r_deg):.0f}" for recall in recalls)
                cells.append(" / ".join(shares) + " %")
            if base and row is not base:
                found = difference(t_m, base.errors(frames)[0], sequences)
                p = "< 0.002" if found.p <= 0.002 else f"{found.p:.2g}"
                cells += [found.text, p]
            table.line(cells)
    papers = [paper for paper in published if data["scene"] in paper.medians]
    if papers:
        table.block("published, not measured here")
    for paper in papers:
        metres, turn = paper.medians[data["scene"]]
        table.line([paper.title, "", length(metres), degrees(turn)])
        table.notes.append(paper.note)
    return table


def comparison_csv(runs: list[Run], groups: list[str] | None = None) -> str:
    """Return every metric as CSV, a line per group and method; means over the seeds."""
    text = io.StringIO()
    every = dict.fromkeys(key for run in runs for row in run.results["rows"] for key in row)
    keys = [key for key in every if key not in (*LABELS, "frames")]
    limits = [f"median_{name}_{end}" for name in ("t_m", "r_deg") for end in ("low", "high")]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "method", "seeds", "oracle", "frames", *keys, *limits])
    for group, frames in chosen_frames(runs, groups).items():
        sequences = runs[0].sequences(frames)
        for row in table_rows(runs):
            of_runs = (metrics for run in row.runs for metrics in run.results["rows"])
            found = [m for m in of_runs if (m["group"], m["method"]) == (group, row.method)]
            # only methods that state covariances have metrics of calibration
            means = [float(np.mean([m.get(key, np.nan) for m in found])) for key in keys]
            for errors in row.errors(frames):
                means += bootstrap_interval(errors, sequences)
            oracle = row.runs[0].methods[row.method].oracle
            start = [group, row.title, len(row.runs), oracle, frames.sum()]
            texts = ("" if number != number else f"{number:.6g}" for number in means)
            writer.writerow([*start, *texts])
    return text.getvalue()


def table_rows(runs: list[Run]) -> list[Row]:
    """Return the controls, then of each method its hint as the answer, its first and its last step."""
    known = runs[0].methods
    controls = (name for name in (CONSTANT, NEAREST_CAMERA) if name in known)
    rows = [Row(known[name].title, runs[:1], name) for name in controls]
    rows += _retrievals(runs)
    for title, same in by_title(runs).items():
        if same[0].has_hint_of_its_own:
            rows.append(Row(f"{title}: the hint as the answer", same, HINT_ANSWER))
        first, last = same[0].steps[0], same[0].steps[-1]
        rows.append(Row(title, same, first.method))
        if last is not first:
            rows.append(Row(f"{title}, {last.title}", same, last.method))
    return rows


def _retrievals(runs: list[Run]) -> list[Row]:
    """Return the distinct answers of retrieval: they depend on the features, and on a sensor's prior."""
    rows: dict[bytes, Row] = {}
    for run in sorted(runs, key=lambda run: bool(run.results["oracle"])):
        if RETRIEVAL not in run.methods:
            continue
        title = RETRIEVAL
        if run.results["oracle"]:
            title += f" with the hint {ORACLE}"
        elif rows:
            title += f", features of {run.results['name']}"
        rows.setdefault(run.methods[RETRIEVAL].error_t_m.tobytes(), Row(title, [run], RETRIEVAL))
    return list(rows.values())


def chosen_frames(runs: list[Run], wanted: list[str] | None) -> dict[str, Chosen]:
    """Return frames (N,) by group; by default all frames, and what training saw or not."""
    first = runs[0]
    found = first.in_groups(["all", *first.season_groups] if wanted is None else wanted)
    for name, frames in found.items():
        for run in runs[1:]:
            if not np.array_equal(run.in_group(name), frames):
                raise InputError(
                    f"groups={name}: {run.folder} has other frames in it than {first.folder}; choose "
                    "groups that do not depend on the hint"
                )
    return found


def table_title(run: Run, subject: str) -> str:
    """Return the title of a table: what is measured on a dataset or one of its scenes."""
    results = run.results
    truth = results["data"]["ground_truth"]
    return f"Median errors on {subject}, {results['split']} split, {truth} ground truth"


Medians = tuple[float, float]  # metres, degrees


def comparison_of_scenes(
    scenes: list[list[Run]], published: Sequence[Published] = (), average_of: Sequence[str] = ()
) -> Table:
    """Return median errors over all frames, means over seeds; the average is the mean of the scenes' medians.

    The scenes' runs are of one dataset, ground truth and split. Published averages are over the scenes
    ``average_of``, and are there only if ours are over the same.
    """
    first = scenes[0][0].results
    for run, *_ in scenes:
        for key in ("name", "ground_truth"):
            ours, theirs = run.results["data"][key], first["data"][key]
            if ours != theirs:
                raise InputError(
                    f"{run.folder}: {key} is {ours}, but {scenes[0][0].folder} has {theirs}; compare runs "
                    "of one dataset and ground truth"
                )
        if run.results["split"] != first["split"]:
            raise InputError(f"{run.folder}: split is {run.results['split']}, not {first['split']}")
    names = [runs[0].results["data"]["scene"] for runs in scenes]
    header = ["", *names, f"{AVERAGE} of {len(names)}"]
    table = Table(table_title(scenes[0][0], first["data"]["name"]), header)
    table.block("measured")
    measured: dict[str, dict[str, Medians]] = {}
    for name, runs in zip(names, scenes, strict=True):
        for row in table_rows(runs):
            t_m, r_deg = row.errors(runs[0].in_group("all"))
            measured.setdefault(row.title, {})[name] = (median(t_m), median(r_deg))
    for title, medians in measured.items():
        if medians.keys() == set(names):
            t_m, r_deg = np.mean(list(medians.values()), axis=0).tolist()
            medians[AVERAGE] = (t_m, r_deg)
        table.line([title, *(_cell(medians.get(name)) for name in (*names, AVERAGE))])
    if published:
        table.block("published, not measured here")
    columns = [*names, AVERAGE] if set(names) == set(average_of) else names
    for paper in published:
        cells = [_cell(paper.medians.get(name)) for name in columns]
        if any(cell != "-" for cell in cells):
            table.line([paper.title, *cells])
            table.notes.append(paper.note)
    return table


def _cell(medians: Medians | None) -> str:
    return f"{length(medians[0])}, {degrees(medians[1])}" if medians else "-"


def print_results(results: dict[str, Any]) -> None:
    """Print a results.json as a table: a block per group of frames, a line per method."""
    data = results["data"]
    oracle = f" {ORACLE}" if results["oracle"] else ""
    print(
        f"\n{results['name']} on {data['name']}/{data['scene']} {results['split']} "
        f"({data['ground_truth']} ground truth, seed {results['seed']}){oracle}"
    )
    recalls = recalls_of(results)
    header = ["", "median", "mean", "95 %", *(recall.title for recall in recalls)]
    lines: list[list[str]] = []
    group = None
    for row in results["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append([f"{group} ({row['frames']} frames)"])
        errors = [f"{length(row[t])} {row[r]:5.1f}°" for t, r in KEYS]
        shares = [f"{100 * row[recall.key]:.0f} %" for recall in recalls]
        title = method_title(row["method"], row["step"])
        lines.append([f"  {title}", *errors, *shares])
    print(text_table([header, *lines]))
    if claims := calibration_lines(results):
        print(f"\n{claims}")
    for line in mode_lines(results):
        print(line)
