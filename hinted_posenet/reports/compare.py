"""One table of several runs, on one scene or several: medians with bootstrap intervals, beside their controls."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import degrees, degrees_interval, length, length_interval
from hinted_posenet.core.tables import Table
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.metrics import recalls_of
from hinted_posenet.evaluation.run_files import (
    HINT_ANSWER,
    NEAREST_CAMERA,
    Run,
    by_title,
    by_training,
)
from hinted_posenet.reports.published import AVERAGE, Published

CONSTANT, RETRIEVAL = "constant pose", "retrieval"


class Row(NamedTuple):
    """A line of the table: one method of runs that differ in their seed."""

    title: str
    runs: list[Run]
    method: str  # in poses.csv

    def errors(self, frames: Chosen) -> tuple[Floats, Floats]:
        """Metres and degrees (seeds, n) of the frames (N,) bool."""
        poses = [run.methods[self.method] for run in self.runs]
        return (
            np.stack([p.error_t_m[frames] for p in poses]),
            np.stack([p.error_r_deg[frames] for p in poses]),
        )


def comparison(
    runs: list[Run],
    groups: list[str] | None = None,
    reference: str | None = None,
    published: Sequence[Published] = (),
) -> Table:
    """The table of all runs: a block per group of frames, a line per method.

    A number is the median over the frames, averaged over seeds, with its bootstrap 95 % interval.

    Args:
        runs: of one scene and split.
        groups: frames to break down by; None takes all frames and what training saw or not.
        reference: a line to test the others against: ratio of the medians, and how likely so much is by chance.
        published: methods to print below.
    """
    first, rows = runs[0], table_rows(runs)
    base = _row(rows, reference) if reference else None
    recalls = recalls_of(first.results)
    header = ["", "seeds", "position [95 %]", "rotation [95 %]"]
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
    """Every metric in full, a line per group and method; means over the seeds."""
    text = io.StringIO()
    keys = [key for key, value in runs[0].results["rows"][0].items() if not isinstance(value, str)]
    keys = [key for key in keys if key != "frames"]
    limits = [f"median_{name}_{end}" for name in ("t_m", "r_deg") for end in ("low", "high")]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "method", "seeds", "oracle", "frames", *keys, *limits])
    for group, frames in chosen_frames(runs, groups).items():
        sequences = runs[0].sequences(frames)
        for row in table_rows(runs):
            found = [_metrics(run, group, row.method) for run in row.runs]
            means = [float(np.mean([metrics[key] for metrics in found])) for key in keys]
            bounds = [
                bound
                for errors in row.errors(frames)
                for bound in bootstrap_interval(errors, sequences)
            ]
            start = [group, row.title, len(row.runs), "ORACLE" in row.title, frames.sum()]
            writer.writerow([*start, *(f"{number:.6g}" for number in (*means, *bounds))])
    return text.getvalue()


def table_rows(runs: list[Run]) -> list[Row]:
    """Controls, then every method with the hint that it started from as an answer, its first and its last pass."""
    rows = [
        Row(name, [run], name)
        for name in (CONSTANT, NEAREST_CAMERA)
        for run in runs[:1]
        if name in run.methods
    ]
    rows += _retrievals(runs)
    for title, same in by_title(runs).items():
        if same[0].has_hint_of_its_own:
            rows.append(Row(f"{title}: the hint as the answer", same, HINT_ANSWER))
        rows.append(Row(title, same, "pass 1"))
        if same[0].last_step != "pass 1":
            rows.append(Row(f"{title}, {same[0].last_step}", same, same[0].last_step))
    return rows


def _retrievals(runs: list[Run]) -> list[Row]:
    """What retrieval answers depends on the features that it reads, and on a sensor's prior where there is one."""
    rows: dict[bytes, Row] = {}
    for run in sorted(runs, key=lambda run: bool(run.results["oracle"])):
        if RETRIEVAL not in run.methods:
            continue
        title = RETRIEVAL
        if run.results["oracle"]:
            title += " with the ORACLE hint"
        elif rows:
            title += f", features of {run.results['name']}"
        rows.setdefault(run.methods[RETRIEVAL].error_t_m.tobytes(), Row(title, [run], RETRIEVAL))
    return list(rows.values())


def chosen_frames(runs: list[Run], wanted: list[str] | None) -> dict[str, Chosen]:
    """Frames (N,) bool of groups; all and what training saw or not, if none are named."""
    names = list(dict.fromkeys(str(row["group"]) for row in runs[0].results["rows"]))
    if wanted is None:
        wanted = ["all", *by_training(names)]
    found = {}
    for name in wanted:
        if name not in names:
            raise InputError(f"--groups {name}: choose among {', '.join(names)}")
        of_runs = [run.in_group(name) for run in runs]
        for run, frames in zip(runs, of_runs, strict=True):
            if not np.array_equal(frames, of_runs[0]):
                raise InputError(
                    f"--groups {name}: other frames in {run.folder} than in {runs[0].folder}; choose groups that "
                    "do not depend on the hint"
                )
        found[name] = of_runs[0]
    return found


def table_title(run: Run, subject: str) -> str:
    """What is measured on a data set or a scene of it."""
    results = run.results
    truth = results["data"]["ground_truth"]
    return f"Median errors on {subject}, {results['split']} split, {truth} ground truth"


def _row(rows: list[Row], title: str) -> Row:
    for row in rows:
        if row.title == title:
            return row
    raise InputError(f"--reference {title}: choose among {', '.join(row.title for row in rows)}")


def _metrics(run: Run, group: str, method: str) -> dict[str, Any]:
    for row in run.results["rows"]:
        if (row["group"], row["method"]) == (group, method):
            return dict(row)
    raise InputError(f"{run.folder}: results.json has no row {group}, {method}; evaluate it again")


Medians = tuple[float, float]  # metres, degrees


def comparison_of_scenes(
    scenes: list[list[Run]], published: Sequence[Published] = (), average_of: Sequence[str] = ()
) -> Table:
    """Median errors over all frames, means over seeds; the average is the mean over the scenes' medians.

    Args:
        scenes: runs of each scene, of one data set, ground truth and split.
        published: methods to print below; their averages only where ours are over the same scenes.
        average_of: the scenes that published averages are over.
    """
    first = scenes[0][0].results
    for runs in scenes:
        for key in ("name", "ground_truth"):
            ours, theirs = runs[0].results["data"][key], first["data"][key]
            if ours != theirs:
                raise InputError(
                    f"{runs[0].folder}: {key} is {ours}, but {scenes[0][0].folder} has {theirs}; compare "
                    "runs of one data set and ground truth"
                )
        if runs[0].results["split"] != first["split"]:
            raise InputError(
                f"{runs[0].folder}: split is {runs[0].results['split']}, not {first['split']}"
            )
    names = [runs[0].results["data"]["scene"] for runs in scenes]
    title = table_title(scenes[0][0], first["data"]["name"])
    table = Table(title, ["", *names, f"{AVERAGE} of {len(names)}"])
    table.block("measured")
    measured: dict[str, dict[str, Medians]] = {}
    for name, runs in zip(names, scenes, strict=True):
        for row in table_rows(runs):
            t_m, r_deg = row.errors(runs[0].in_group("all"))
            measured.setdefault(row.title, {})[name] = (median(t_m), median(r_deg))
    for title, medians in measured.items():
        if medians.keys() == set(names):
            mean = np.mean([medians[name] for name in names], axis=0)
            medians[AVERAGE] = (float(mean[0]), float(mean[1]))
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
