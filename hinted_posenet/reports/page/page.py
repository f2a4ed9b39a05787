"""One self-contained HTML file of several runs: its sections, numbers, plots and pictures."""

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
from hinted_posenet.evaluation.run_files import Run, by_training
from hinted_posenet.reports.page.axes import QUANTITIES, Spec
from hinted_posenet.reports.page.behaviour import calibration_figure, hint_figure, pass_figure
from hinted_posenet.reports.page.distributions import histogram_figure, recall_figure
from hinted_posenet.reports.page.lines import Line, read_lines
from hinted_posenet.reports.page.pictures import (
    map_figure,
    picks,
    pictures,
    position_data,
    scene_figure,
)
from hinted_posenet.reports.page.summary import header, summary_lines, summary_rows

Groups = dict[str, Chosen]  # frames (N,) by name
RECALL = (
    "Share of frames with at most this error: the further up and to the left, the better. "
    "Dotted: the thresholds of the table."
)
HISTOGRAMS = (
    "A row per method, each scaled to its own peak; the thick line and the number are its median."
)
HINTS = (
    "Medians in up to ten bins of equally many frames, over all seeds and hints of a network. "
    "Below the straight line an answer is better than the hint that it was given."
)
PASSES = "Medians. A pass takes the answer of the one before as its hint; pass 0 is the first hint itself."
CALIBRATION = (
    "Who states a standard deviation (per axis, Gaussian) claims that a share of true poses lies "
    "within some distance of the answers; this is the share that does. On the straight line the "
    "claim is right. "
)
POSITIONS = (
    "Large dots: where the camera was. Lines, in the colour of the method: the way to where it was "
    "put. Small dots: training. Pink: the chosen frame, its circle the truth and its square the answer."
)


class Section(NamedTuple):
    """A heading with plots below."""

    id: str
    heading: str
    text: str
    figures: dict[str, dict[str, Spec]]  # id -> group -> figure; "" where groups make no difference


def read_sections(lines: list[Line], groups: Groups) -> list[Section]:
    """Those that these runs have something to show in."""
    results = lines[0].runs[0].results
    recalls = recalls_of(results)
    bounds = ({recall.metres for recall in recalls}, {recall.degrees for recall in recalls})
    recall, histograms = {}, {}
    for quantity, thresholds in zip(QUANTITIES, bounds, strict=True):
        recall[f"recall-{quantity.name}"] = {
            name: recall_figure(lines, rows, quantity, thresholds) for name, rows in groups.items()
        }
        histograms[f"histogram-{quantity.name}"] = {
            name: histogram_figure(lines, rows, quantity) for name, rows in groups.items()
        }
    hints, refinement_steps, calibration = (
        {f"{name}-{q.name}": {"": figure} for q in QUANTITIES if (figure := make(lines, q))}
        for name, make in (
            ("hint", hint_figure),
            ("pass", pass_figure),
            ("calibration", calibration_figure),
        )
    )
    overview = map_figure(results["map"])
    sections = [
        Section("recall", "Recall", RECALL, recall),
        Section("histograms", "Error histograms", HISTOGRAMS, histograms),
        Section("hints", "Does it improve on its hint?", HINTS + _oracle_hints(lines), hints),
        Section("refinement_steps", "Error by pass", PASSES, refinement_steps),
        Section(
            "calibration", "Does it know its error?", CALIBRATION + _own_sigma(lines), calibration
        ),
        Section(
            "above", "Positions from above", POSITIONS, {"map": {"": overview}} if overview else {}
        ),
        Section("space", "Positions in 3-D", POSITIONS, {"scene": {"": scene_figure()}}),
    ]
    return [section for section in sections if section.figures]


def _oracle_hints(lines: list[Line]) -> str:
    """Which curves have answers to hints from the labels in them."""
    names = [str(line.runs[0].results["name"]) for line in lines if line.is_network and line.oracle]
    return (
        f" ORACLE: among the hints of {_list(names)} are some made from the labels."
        if names
        else ""
    )


def _own_sigma(lines: list[Line]) -> str:
    """Which networks state a sigma frame by frame; the others' comes from validation."""
    stated = [line for line in lines if line.is_network and np.isfinite(line.poses.sigma_t_m).any()]
    own = [str(line.runs[0].results["name"]) for line in stated if np.ptp(line.poses.sigma_t_m) > 0]
    return f"{_list(own) or 'No network'}: one for each frame; others: one for all, found on the validation split."


def _list(names: list[str]) -> str:
    return " and ".join(dict.fromkeys(names))


def write_page(path: Path, runs: list[Run], title: str | None = None) -> None:
    """Write the page of runs of one scene and split, atomically.

    Args:
        path: of the HTML file.
        runs: as ``read_runs`` gives them.
        title: None names scene and split.
    """
    write_text(path, render(runs, title))


def render(runs: list[Run], title: str | None = None) -> str:
    """The page as HTML."""
    first = runs[0]
    data = first.results["data"]
    lines = read_lines(runs)
    groups = _groups(first)
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


def _groups(run: Run) -> Groups:
    """Frames (N,) by name: all, and what training saw or not."""
    return {name: run.in_group(name) for name in sorted(["all", *by_training(run.groups)])}


def _data(lines: list[Line], groups: Groups, sections: list[Section]) -> dict[str, Any]:
    """What the page's program reads."""
    first = lines[0].runs[0]
    splits = first.read_frames()
    queries, train = splits[first.results["split"]], splits.get("train")
    retrieval = first.methods.get("retrieval")
    neighbours = retrieval.neighbour if retrieval else [""] * len(queries.name)
    shown = [line for line in lines if line.is_network or line.poses is retrieval]
    return {
        "lines": [
            {"title": line.title, "colour": line.colour}
            | {"honest": line.is_network and not line.oracle}
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
    """A run's provenance, name -> text; its config whole."""
    left_out = ("rows", "frame_groups", "config")
    about = {key: value for key, value in run.results.items() if key not in left_out}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in about.items()
    }
    return texts | {"config": json.dumps(run.results.get("config"), indent=1)}


def _short(value: Any) -> Any:
    """Numbers to 4 significant digits, and null for what JSON has no number for."""
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
    """Compressed, as text that may stand in HTML."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
