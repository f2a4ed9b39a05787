"""One self-contained HTML page of several runs: sections, tables, plots and pictures."""

import base64
import gzip
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from hinted_posenet.core.files import write_text
from hinted_posenet.evaluation.frames_file import Chosen
from hinted_posenet.evaluation.metrics import recalls_of
from hinted_posenet.evaluation.predictions import ORACLE, RETRIEVAL
from hinted_posenet.evaluation.run_files import Run
from hinted_posenet.reports.page.calibration import (
    RISKS,
    calibration_figure,
    rejection_figure,
    seen_and_unseen,
)
from hinted_posenet.reports.page.curves import QUANTITIES, Line, Spec, read_lines
from hinted_posenet.reports.page.pictures import (
    map_figure,
    picks,
    pictures,
    position_data,
    scene_figure,
)
from hinted_posenet.reports.page.plots import (
    hint_figure,
    histogram_figure,
    recall_figure,
    step_figure,
)
from hinted_posenet.reports.page.summary import claims, header, summary_lines, summary_rows

Groups = dict[str, Chosen]  # frames (N,) by name
RECALL = (
    "Share of frames with at most this error: curves further up and to the left are better. "
    "Dotted lines mark the thresholds of the table."
)
HISTOGRAMS = "One row per method, each scaled to its own peak; the thick line and the number show its median."
HINTS = (
    "Medians in up to ten bins of equal counts, over all seeds and hints of a network. "
    "Below the straight line, an answer is better than its hint."
)
STEPS = "Median errors. Each refinement step takes the previous answer as its hint; step 0 is the first hint."
CALIBRATION = (
    "A stated covariance claims that a share of the true poses lies within an ellipsoid around the answers; "
    "the curve shows the share that does. On the straight line, the stated uncertainty is calibrated. "
)
REJECTION = (
    "Errors of the frames that are left when those of the largest stated position uncertainty are rejected. "
    "The faster a curve falls to the left, the better a method knows what it does not know; "
    "at 100 % no frame is rejected."
)
POSITIONS = (
    "Large dots: true camera positions. Lines in the method's color lead to its answers. Small dots: "
    "training cameras. Pink: the chosen frame, a circle for the truth and a square for the answer."
)


class Section(NamedTuple):
    """A heading with plots below."""

    id: str
    heading: str
    text: str
    figures: dict[str, dict[str, Spec]]  # id -> group -> figure; "" where groups make no difference


def read_sections(lines: list[Line], groups: Groups) -> list[Section]:
    """Return the sections for which these runs have data."""
    results = lines[0].runs[0].results
    recalls = recalls_of(results)
    bounds = ({recall.metres for recall in recalls}, {recall.degrees for recall in recalls})
    recall = {
        f"recall-{q.name}": {g: recall_figure(lines, rows, q, marks) for g, rows in groups.items()}
        for q, marks in zip(QUANTITIES, bounds, strict=True)
    }
    histograms = {
        f"histogram-{q.name}": {g: histogram_figure(lines, rows, q) for g, rows in groups.items()}
        for q in QUANTITIES
    }
    makers = {"hint": hint_figure, "step": step_figure}
    hints, refinement_steps = (
        {f"{name}-{q.name}": {"": figure} for q in QUANTITIES if (figure := make(lines, q))}
        for name, make in makers.items()
    )
    seasons = seen_and_unseen(lines[0].runs[0])
    calibration = {
        f"calibration-{q.name}-{kind}": {"": figure}
        for q in QUANTITIES
        for kind, group in seasons.items()
        if (figure := calibration_figure(lines, q, group, lines[0].runs[0].in_group(group)))
    }
    claiming = [line for line in lines if line.is_network and claims(line)]
    rejections = {
        f"rejection-{name}": {
            g: rejection_figure(claiming, rows, name) for g, rows in groups.items()
        }
        for name in RISKS
        if claiming
    }
    own = CALIBRATION + _own_sigma(lines)
    overview = map_figure(results["map"])
    above = {"map": {"": overview}} if overview else {}
    sections = [
        Section("recall", "Recall", RECALL, recall),
        Section("histograms", "Error histograms", HISTOGRAMS, histograms),
        Section("hints", "Improvement over the hint", HINTS + _oracle_hints(lines), hints),
        Section("refinement_steps", "Error by refinement step", STEPS, refinement_steps),
        Section("calibration", "Calibration of stated uncertainty", own, calibration),
        Section("rejection", "Rejecting doubtful frames", REJECTION, rejections),
        Section("above", "Positions from above", POSITIONS, above),
        Section("space", "Positions in 3D", POSITIONS, {"scene": {"": scene_figure()}}),
    ]
    return [section for section in sections if section.figures]


def _oracle_hints(lines: list[Line]) -> str:
    """Return a sentence on which networks were given hints from the labels."""
    whose = " and ".join({line.name: 0 for line in lines if line.is_network and line.oracle})
    return f" Some hints of {whose} were made from the labels {ORACLE}." if whose else ""


def _own_sigma(lines: list[Line]) -> str:
    """Return sentences on which networks state an uncertainty per frame, and which one for all frames."""
    varies = {line.name: _varies(line) for line in lines if line.is_network and claims(line)}
    own, shared = ([name for name in varies if varies[name] is kind] for kind in (True, False))
    kinds = {"Stated per frame": own, "One for all frames, from the validation split": shared}
    return " ".join(f"{kind}: {', '.join(names)}." for kind, names in kinds.items() if names)


def _varies(line: Line) -> bool:
    sigma_m = line.poses.position_sigma_m
    return len(np.unique(sigma_m[np.isfinite(sigma_m)])) > 1


def write_page(path: Path, runs: list[Run], title: str | None = None) -> None:
    """Write the HTML page of runs of one scene and split, atomically; by default, they are its title."""
    write_text(path, render(runs, title))


def render(runs: list[Run], title: str | None = None) -> str:
    """Return the page as HTML."""
    first = runs[0]
    data = first.results["data"]
    lines = read_lines(runs)
    groups = first.in_groups(sorted(["all", *first.season_groups]))
    sections = read_sections(lines, groups)
    rows_of = summary_lines(lines)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title or f"{data['scene']}: {first.results['split']} split",
        results=first.results,
        mark=ORACLE,
        oracle=any(run.results["oracle"] for run in runs),
        lines=lines,
        networks=[line for line in lines if line.is_network],
        groups={name: int(rows.sum()) for name, rows in groups.items()},
        header=header(rows_of),
        tables={name: summary_rows(rows_of, rows) for name, rows in groups.items()},
        sections=sections,
        runs=[(run, _about(run)) for run in runs],
        plotly=_packed(get_plotlyjs()),
        data=_packed(json.dumps(_data(lines, groups, sections), separators=(",", ":"))),
    )


def _data(lines: list[Line], groups: Groups, sections: list[Section]) -> dict[str, Any]:
    """Return the data that the page's script reads."""
    first = lines[0].runs[0]
    splits = first.read_frames()
    queries, train = splits[first.results["split"]], splits.get("train")
    retrieval = first.methods.get(RETRIEVAL)
    neighbours = retrieval.neighbour if retrieval else [""] * len(queries.name)
    shown = [line for line in lines if line.is_network or line.poses is retrieval]
    return {
        "lines": [
            {"title": line.title, "colour": line.colour}
            | {"non_oracle": line.is_network and not line.oracle}
            | {"t": _short(line.poses.error_t_m), "r": _short(line.poses.error_r_deg)}
            | {"picks": picks(line.poses.error_t_m)}
            for line in lines
        ],
        "groups": {name: np.flatnonzero(rows).tolist() for name, rows in groups.items()},
        "frames": {
            "name": queries.name,
            "tags": [", ".join(tags.values()) for tags in queries.tags],
            "neighbour": neighbours,
        },
        "pictures": pictures(shown, neighbours, queries, train),
        "positions": position_data(lines, train.center_m if train else None),
        "figures": {
            name: {
                group: {"data": _short(spec["data"]), "layout": spec["layout"]}
                for group, spec in of_group.items()
            }
            for section in sections
            for name, of_group in section.figures.items()
        },
    }


def _about(run: Run) -> dict[str, str]:
    """Return a run's provenance, name -> text, with its whole config."""
    left_out = ("rows", "frame_groups", "groups", "config")
    about = {key: value for key, value in run.results.items() if key not in left_out}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.items()}
    return texts | {"config": json.dumps(run.results.get("config"), indent=1)}


def _short(value: Any) -> Any:
    """Round numbers to 4 significant digits; None where JSON has no number."""
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _short(value.tolist())
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def _packed(text: str) -> str:
    """Compress a text, encoded so that it may stand in HTML."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
