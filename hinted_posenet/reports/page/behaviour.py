"""What networks do with hints, over passes, and how well they know their errors."""

import numpy as np

from hinted_posenet.evaluation.run_files import HINT_ANSWER, Run, read_json
from hinted_posenet.reports.page.axes import (
    NOTE,
    POSITION,
    Quantity,
    Spec,
    curve,
    log_axis,
    reference,
    share_axis,
    shown_range,
)
from hinted_posenet.reports.page.distributions import LEVELS, binned_medians, coverage
from hinted_posenet.reports.page.lines import Line

PAIRS = 20  # in a bin of hint errors, at least


def hint_figure(lines: list[Line], quantity: Quantity) -> Spec | None:
    """Median error of the answer against the error of its hint: a curve per network, over all of its hints."""
    named: dict[str, list[Line]] = {}
    for line in lines:
        if line.is_network and HINT_ANSWER in line.runs[0].methods:
            named.setdefault(str(line.runs[0].results["name"]), []).append(line)
    if not named:
        return None
    traces, values = [], []
    for name, same in named.items():
        hint, answer = (
            np.concatenate([line.errors(quantity.key, method).ravel() for line in same])
            for method in (HINT_ANSWER, None)
        )
        x, y, count = binned_medians(hint, answer, int(np.clip(len(hint) // PAIRS, 2, 10)))
        title = f"{name} (with ORACLE hints)" if any(line.oracle for line in same) else name
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
    equal = [low, high]
    traces.insert(0, reference(equal, equal))
    return {
        "data": traces,
        "layout": {
            "xaxis": log_axis(f"{quantity.name} error of the hint", low, high, quantity),
            "yaxis": log_axis(f"{quantity.name} error of the answer", low, high, quantity),
            "annotations": [
                {"text": "the answer is its hint", "x": np.log10(high), "y": np.log10(high)}
                | {"xanchor": "right", "yanchor": "top", "xshift": -32, **NOTE}
            ],
        },
    }


def pass_figure(lines: list[Line], quantity: Quantity) -> Spec | None:
    """Median error against the number of passes, from the hint on."""
    traces, values = [], []
    for line in lines:
        medians = [_passes(run, quantity) for run in line.runs] if line.is_network else [{}]
        shared = sorted(set.intersection(*(set(found) for found in medians)))
        if len(shared) < 2:
            continue
        y = np.mean([[found[number] for number in shared] for found in medians], axis=0)
        texts = [f"pass {n}: {quantity.text(e)}" for n, e in zip(shared, y, strict=True)]
        trace = curve(line, np.array(shared), y, texts)
        traces.append(trace | {"mode": "lines+markers", "marker": {"size": 5}})
        values.append(y)
    if not traces:
        return None
    low, high = shown_range(values, 0.0, 1.0)
    longest = max(len(trace["x"]) for trace in traces)
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "pass (0: the hint)"}, "dtick": 1 if longest <= 8 else 5},
            "yaxis": log_axis(f"median {quantity.name} error", low / 1.15, high * 1.15, quantity),
        },
    }


def calibration_figure(lines: list[Line], quantity: Quantity) -> Spec | None:
    """Share of answers within the region that should hold a share of them, against that share."""
    traces = []
    for line in lines:
        found = coverage(line.errors(quantity.key), line.errors(quantity.sigma))
        if line.is_network and found is not None:
            texts = [
                f"{o:.0%} where {p:.0%} is claimed" for p, o in zip(LEVELS, found, strict=True)
            ]
            traces.append(curve(line, LEVELS, found, texts))
    if not traces:
        return None
    notes = [
        {"text": "errs less than it says", "x": 0.04, "y": 0.96, "xanchor": "left", **NOTE},
        {"text": "errs more than it says", "x": 0.96, "y": 0.04, "xanchor": "right", **NOTE},
    ]
    return {
        "data": [reference([0, 1], [0, 1]), *traces],
        "layout": {
            "xaxis": share_axis("claimed to lie within"),
            "yaxis": share_axis(f"{quantity.name} answers within"),
            "annotations": notes,
        },
    }


def _passes(run: Run, quantity: Quantity) -> dict[int, float]:
    """Median error by the number of passes, 0: the hint. A study's curves go further than the run did."""
    files = [folder / "curves.json" for folder in (run.folder, run.folder.parent)]
    for file in (file for file in files if file.is_file()):
        found = read_json(file)["contraction"].get(run.start)
        if found:
            key = "t_m" if quantity is POSITION else "r_deg"
            steps = [found["start"], *found["refinement_steps"]]
            return {number: float(np.median(step[key])) for number, step in enumerate(steps)}
    named = [HINT_ANSWER, *(method for method in run.methods if method.startswith("pass "))]
    return {
        number: float(np.median(getattr(run.methods[method], quantity.key)))
        for number, method in enumerate(named)
        if method in run.methods
    }
