"""One self-contained HTML file of several runs: numbers, plots, pictures, and the program that draws them.

plotly alone is 4.8 MB as text. It is stored compressed, and the browser unpacks it; a content security policy
inside the file forbids it to fetch anything.
"""

import base64
import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from hinted_posenet.report.page.lines import Line, read_lines
from hinted_posenet.report.page.pictures import picks, pictures
from hinted_posenet.report.page.positions import position_data
from hinted_posenet.report.page.sections import Groups, Section, read_sections
from hinted_posenet.report.page.summary import header, summary_lines, summary_rows
from hinted_posenet.report.runs import Run, by_training
from hinted_posenet.whole_file import write_text


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
        "positions": position_data(lines, train.centre_m if train else None),
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
