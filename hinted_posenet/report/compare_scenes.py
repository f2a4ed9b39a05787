"""One table of runs on several scenes of a data set: a column a scene, and their average."""

from collections.abc import Sequence

import numpy as np

from hinted_posenet.report.bootstrap import median
from hinted_posenet.report.compare import table_rows, table_title
from hinted_posenet.report.published import AVERAGE, Published
from hinted_posenet.report.runs import Run
from hinted_posenet.report.table import Table, degrees, length
from hinted_posenet.types import InputError

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
