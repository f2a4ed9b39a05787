"""One table of several runs: medians over seeds with bootstrap intervals, controls beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hinted_posenet.report.bootstrap import bootstrap_interval
from hinted_posenet.report.frames import Floats
from hinted_posenet.report.runs import Run, by_title
from hinted_posenet.report.table import length, text_table
from hinted_posenet.types import InputError

CONTROLS = ("constant pose", "retrieval")


class Row(NamedTuple):
    """A line of the table."""

    method: str
    seeds: int
    error_t_m: Floats  # (seeds, N)
    error_r_deg: Floats  # (seeds, N)


def comparison(runs: list[Run], groups: list[str] | None = None, markdown: bool = False) -> str:
    """The table of all runs: a block per group of frames, a line per method.

    A number is the median over the frames, averaged over seeds, with its bootstrap 95 % interval.

    Args:
        runs: of one scene and split.
        groups: frames to break down by; None takes all frames and what training saw or not.
        markdown: for a page rather than a terminal.
    """
    first = runs[0]
    rows = _rows(runs)
    constant = rows[0]
    blocks: list[list[str]] = []
    for group in _groups(first, groups):
        frames = np.array([group in names for names in first.results["frame_groups"]])
        blocks.append([f"**{group}**" if markdown else f"{group} ({frames.sum()} frames)"])
        if markdown:
            blocks[-1] += [f"{frames.sum()} frames", "", "", ""]
        reference = np.median(constant.error_t_m[:, frames])
        for row in rows:
            t, r = row.error_t_m[:, frames], row.error_r_deg[:, frames]
            blocks.append(
                [
                    row.method if markdown else f"  {row.method}",
                    str(row.seeds),
                    _interval(t, length),
                    _interval(r, lambda degrees: f"{degrees:.1f}°"),
                    f"{np.mean(np.median(t, axis=1)) / reference:.3f}",
                ]
            )
    header = ["", "seeds", "position [95 %]", "rotation [95 %]", "of constant"]
    data = first.results["data"]
    title = (
        f"Median errors on {data['name']}/{data['scene']}, {first.results['split']} split, "
        f"{data['ground_truth']} ground truth"
    )
    if markdown:
        return "\n".join([f"{title}:", "", markdown_table([header, *blocks])])
    return f"{title}\n\n{text_table([header, *blocks])}"


def _rows(runs: list[Run]) -> list[Row]:
    rows = [_row(name, runs[:1], name) for name in CONTROLS]
    for title, same in by_title(runs).items():
        if same[0].start in ("oracle", "prior"):  # the others' hints are rows already
            rows.append(_row(f"{title}: the hint as the answer", same, "hint as the answer"))
        rows.append(_row(title, same, "pass 1"))
        if same[0].last_pass != "pass 1":
            rows.append(_row(f"{title}, {same[0].last_pass}", same, same[0].last_pass))
    return rows


def _row(title: str, runs: list[Run], method: str) -> Row:
    poses = [run.methods[method] for run in runs]
    return Row(
        title,
        len(runs),
        np.stack([p.error_t_m for p in poses]),
        np.stack([p.error_r_deg for p in poses]),
    )


def _groups(run: Run, wanted: list[str] | None) -> list[str]:
    names = list(dict.fromkeys(str(row["group"]) for row in run.results["rows"]))
    if wanted is None:
        return [name for name in names if name == "all" or {"seen", "unseen"} & set(name.split())]
    for name in wanted:
        if name not in names:
            raise InputError(f"--groups {name}: choose among {', '.join(names)}")
    return wanted


def _interval(errors: Floats, text: Callable[[float], str]) -> str:
    """Mean over seeds of the median over frames, and its interval over resampled seeds and frames."""
    low, high = bootstrap_interval(errors)
    return f"{text(float(np.mean(np.median(errors, axis=1))))} [{text(low)}, {text(high)}]"


def markdown_table(rows: list[list[str]]) -> str:
    """A header and lines of cells as a Markdown table."""
    lines = ["| " + " | ".join(cell.strip() for cell in row) + " |" for row in rows]
    rule = "|" + "|".join([" --- "] + [" ---: "] * (len(rows[0]) - 1)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def insert_text(path: Path, marker: str, text: str) -> None:
    """Replace what stands between ``<!-- begin MARKER -->`` and ``<!-- end MARKER -->`` in a file."""
    begin, end = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
    before, found, rest = path.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise InputError(
            f"{path}: has no lines {begin} and {end}; add them where the table should go"
        )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    partial.replace(path)
