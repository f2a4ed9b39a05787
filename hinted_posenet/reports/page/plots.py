"""Plots of the page: distributions of errors, and what networks make of hints."""

import numpy as np

from hinted_posenet.evaluation.bootstrap import median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.predictions import HINT_ANSWER, ORACLE
from hinted_posenet.evaluation.results_file import read_curves
from hinted_posenet.evaluation.run_files import Run
from hinted_posenet.reports.page.curves import (
    GREY,
    NOTE,
    POSITION,
    Line,
    Quantity,
    Spec,
    curve,
    log_axis,
    reference,
    share_axis,
    shown_range,
)

BINS = 36  # of a histogram, at most
ROW_PX = 46  # of a histogram
PAIRS = 20  # in a bin of hint errors, at least


def recall_curve(errors: Floats) -> tuple[Floats, Floats]:
    """Return up to 101 thresholds, and the shares of errors (any shape, some may be inf) within them."""
    ordered = np.sort(errors, axis=None)
    rank = np.unique(np.linspace(0, len(ordered) - 1, 101).round().astype(int))
    finite = rank[np.isfinite(ordered[rank])]
    return ordered[finite], (finite + 1) / len(ordered)


def histogram(errors: Floats, edges: Floats) -> Floats:
    """Return the shares of errors (any shape) per bin; those beyond the edges count in the end bins."""
    inside = np.clip(errors.ravel(), edges[0], edges[-1])
    return np.histogram(inside, edges)[0] / errors.size


def binned_medians(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats, int]:
    """Return medians (bins,) of pairs (N,) in at most ``bins`` bins of equal counts, and the least count."""
    known = np.isfinite(x)
    order = np.argsort(x[known], kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    medians = [np.array([np.median(of[known][part]) for part in parts]) for of in (x, y)]
    return medians[0], medians[1], min(map(len, parts), default=0)


def recall_figure(
    lines: list[Line], rows: Chosen, quantity: Quantity, thresholds: set[float]
) -> Spec:
    """Draw the share of frames within an error; the recall thresholds are thin lines."""
    found = [line.errors(quantity.key)[:, rows] for line in lines]
    low, high = shown_range(found)
    traces = []
    for line, errors in zip(lines, found, strict=True):
        x, y = recall_curve(errors)
        texts = [f"{b:.0%} within {quantity.text(a)}" for a, b in zip(x, y, strict=True)]
        traces.append(curve(line, x, y, texts))
    shapes = [
        {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
        | {"line": {"color": GREY, "width": 1, "dash": "dot"}}
        for x in thresholds
        if low < x < high
    ]
    axes = {"xaxis": log_axis(f"{quantity.name} error", low, high, quantity)}
    axes["yaxis"] = share_axis("frames within")
    return {"data": traces, "layout": {**axes, "shapes": shapes}}


def histogram_figure(lines: list[Line], rows: Chosen, quantity: Quantity) -> Spec:
    """Draw a row per method, each scaled to its own peak, with its median."""
    found = [line.errors(quantity.key)[:, rows] for line in lines]
    low, high = shown_range(found)
    bins = int(np.clip(1.5 * np.sqrt(rows.sum()), 8, BINS))
    edges = np.geomspace(low, high, bins + 1)
    x = np.concatenate([[low], np.repeat(edges, 2)[1:-1], [high]])
    traces, notes = [], []
    for row, (line, errors) in enumerate(zip(lines, found, strict=True)):
        shares = histogram(errors, edges)
        base = float(len(lines) - row)
        steps = np.concatenate([[0.0], np.repeat(shares, 2), [0.0]]) / shares.max()
        traces.append(
            {"x": x, "y": base + 0.62 * steps, "fill": "toself", "fillcolor": _pale(line.colour)}
            | {"mode": "lines", "line": {"color": line.colour, "width": 1.2}, "hoverinfo": "skip"}
        )
        middle = median(errors)
        at = float(np.clip(middle, low, high))
        traces.append(
            {"x": [at, at], "y": [base, base + 0.62], "mode": "lines", "hoverinfo": "skip"}
            | {"line": {"color": line.colour, "width": 3}}
        )
        title = {"text": line.title, "x": 0, "xref": "paper", "xanchor": "left"}
        number = {"text": quantity.text(middle), "x": 1, "xref": "paper", "xanchor": "right"}
        place = {"y": base + 0.98, "yanchor": "top", "showarrow": False, "font": {"size": 12}}
        notes += [title | place, number | place]
    axis = log_axis(f"{quantity.name} error", low, high, quantity)
    layout: Spec = {"height": ROW_PX * len(lines) + 60, "xaxis": axis, "annotations": notes}
    layout["yaxis"] = {"visible": False, "range": [0.9, len(lines) + 1.05]}
    return {"data": traces, "layout": layout}


def hint_figure(lines: list[Line], quantity: Quantity) -> Spec | None:
    """Draw the median error of the answer against that of its hint: a curve per network, over all its hints."""
    named: dict[str, list[Line]] = {}
    for line in lines:
        if line.is_network and HINT_ANSWER in line.runs[0].methods:
            named.setdefault(line.name, []).append(line)
    if not named:
        return None
    traces, values = [], []
    for name, same in named.items():
        hint, answer = (
            np.concatenate([line.errors(quantity.key, method).ravel() for line in same])
            for method in (HINT_ANSWER, None)
        )
        x, y, count = binned_medians(hint, answer, int(np.clip(len(hint) // PAIRS, 2, 10)))
        title = f"{name} {ORACLE}" if any(line.oracle for line in same) else name
        texts = [
            f"{quantity.text(b)} from hints of {quantity.text(a)}<br>medians of {count} answers"
            for a, b in zip(x, y, strict=True)
        ]
        trace = curve(same[0]._replace(title=title, dash="solid"), x, y, texts)
        trace |= {"mode": "lines+markers", "meta": [line.title for line in same]}
        traces.append(trace)
        values += [x, y]
    low, high = shown_range(values, 0.0, 1.0)
    low, high = low / 1.15, high * 1.15
    note: Spec = {"text": "answer = hint", "x": np.log10(high), "y": np.log10(high), **NOTE}
    note |= {"xanchor": "right", "yanchor": "top", "xshift": -32}
    x_axis = log_axis(f"{quantity.name} error of the hint", low, high, quantity)
    y_axis = log_axis(f"{quantity.name} error of the answer", low, high, quantity)
    layout = {"xaxis": x_axis, "yaxis": y_axis, "annotations": [note]}
    return {"data": [reference([low, high], [low, high]), *traces], "layout": layout}


def step_figure(lines: list[Line], quantity: Quantity) -> Spec | None:
    """Draw the median error against the refinement step, starting at the hint."""
    traces, values = [], []
    for line in lines:
        medians = [_step_medians(run, quantity) for run in line.runs] if line.is_network else [{}]
        shared = sorted(set.intersection(*(set(found) for found in medians)))
        if len(shared) < 2:
            continue
        y = np.mean([[found[number] for number in shared] for found in medians], axis=0)
        texts = [f"step {n}: {quantity.text(e)}" for n, e in zip(shared, y, strict=True)]
        trace = curve(line, np.array(shared), y, texts)
        traces.append(trace | {"mode": "lines+markers", "marker": {"size": 5}})
        values.append(y)
    if not traces:
        return None
    low, high = shown_range(values, 0.0, 1.0)
    longest = max(len(trace["x"]) for trace in traces)
    steps = {"title": {"text": "refinement step (0: the hint)"}, "dtick": 1 if longest <= 8 else 5}
    errors = log_axis(f"median {quantity.name} error", low / 1.15, high * 1.15, quantity)
    return {"data": traces, "layout": {"xaxis": steps, "yaxis": errors}}


def _step_medians(run: Run, quantity: Quantity) -> dict[int, float]:
    """Return the median error by refinement step, 0: the hint; a study's curves have more steps than its run."""
    files = [folder / "curves.json" for folder in (run.folder, run.folder.parent)]
    for file in (file for file in files if file.is_file()):
        found = read_curves(file, len(run.frames))["contraction"].get(run.start)
        if found:
            key = "t_m" if quantity is POSITION else "r_deg"
            steps = [found["start"], *found["refinement_steps"]]
            return {number: float(np.median(step[key])) for number, step in enumerate(steps)}
    found = {poses.step or 1: poses for poses in run.steps}
    if HINT_ANSWER in run.methods:
        found[0] = run.methods[HINT_ANSWER]
    return {n: float(np.median(getattr(poses, quantity.key))) for n, poses in found.items()}


def _pale(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},0.4)"
