"""Tables of the answers of `registration`."""

from pathlib import Path
from typing import Any

import numpy as np

from hinted_posenet.evaluation.bootstrap import bootstrap_interval
from hinted_posenet.evaluation.frames_file import Floats

Row = dict[str, Any]
WITHIN_90 = 2.50  # sigmas of a position, as many as 90 of 100 answers are off by at most
FAR_SIGMAS, FAR_M = 3.0, 25.0  # beyond both, an answer is wrong


def tables(
    answers: list[Row], networks: list[str], sensors: list[str], cases: list[str]
) -> dict[str, list[list[str]]]:
    """Return the tables by name, of lines of the file whose networks are some."""
    by_case: dict[tuple[str, str], list[Row]] = {}
    for row in answers:
        by_case.setdefault((row["case"], row["method"]), []).append(row)
    methods = [method for case, method in by_case if case == sensors[0]]
    of_methods = [by_case[sensors[0], method] for method in methods]
    worth = [(s, n) for n in networks for s in sensors if (s, n) in by_case]
    wrong = [(c, n) for n in networks for c in cases if (c, n) in by_case]
    wrong = [key for key in wrong if key[0] not in sensors[1:]]
    found = {
        "methods": [
            METHODS,
            *(
                [label(m, networks), *accuracy(rows)]
                for m, rows in zip(methods, of_methods, strict=True)
            ),
        ],
        "priors": [PRIORS, *([s, Path(n).stem, *accuracy(by_case[s, n])[:-1]] for s, n in worth)],
        "robustness": [ROBUSTNESS, *([c, Path(n).stem, *honesty(by_case[c, n])] for c, n in wrong)],
    }
    return {name: rows for name, rows in found.items() if len(rows) > 1}


ACCURACY = ["unseen dates", "75 %", "95 %", "in 90 %", "vertical", "rotation", "known dates"]
METHODS = ["method", *ACCURACY, "CPU an image"]
PRIORS = ["prior", "weights", *ACCURACY]
ROBUSTNESS = ["case", "weights", "called right", "median of these", "far off of all", "images"]


def label(method: str, networks: list[str]) -> str:
    """Return what a method is called in a table."""
    return f"Ground Registration, {Path(method).stem}" if method in networks else method


def accuracy(rows: list[Row]) -> list[str]:
    """Return the cells of `ACCURACY`, and the time."""
    unseen, known = ([row for row in rows if row["unseen"] == new] for new in (True, False))
    errors_m = _by_seed(unseen, "error_m")
    cells = ["-"] * 3
    if unseen:
        upper_m = np.quantile(errors_m, (0.75, 0.95))
        cells = [_interval(errors_m), *(f"{error_m:.1f} m" for error_m in upper_m)]
    stated = [row["sigmas"] for row in unseen if row["sigmas"] is not None]
    cells.append(f"{np.mean(np.array(stated) < WITHIN_90):.0%}" if stated else "-")
    for key, unit in (("vertical_m", " m"), ("error_deg", "°")):
        cells.append(f"{np.median(_by_seed(unseen, key)):.2f}{unit}" if unseen else "-")
    cells.append(_interval(_by_seed(known, "error_m")) if known else "-")
    return [*cells, f"{np.median([row['cpu_ms'] for row in rows]):.0f} ms"]


def honesty(rows: list[Row]) -> list[str]:
    """Return the cells of `ROBUSTNESS`."""
    right = np.array([row["fits"] for row in rows])
    errors_m = np.array([row["error_m"] for row in rows])
    far = (errors_m > FAR_M) & (np.array([row["sigmas"] for row in rows]) > FAR_SIGMAS)
    median = f"{np.median(errors_m[right]):.1f} m" if right.any() else "-"
    share = f"{np.mean(right & far):.1%}"
    return [f"{np.mean(right):.0%}", median, share, str(len(rows))]


def _by_seed(rows: list[Row], key: str) -> Floats:
    """Return (seeds, N) of the frames that every seed has."""
    seeds: dict[int, dict[str, float]] = {}
    for row in rows:
        seeds.setdefault(row["seed"], {})[row["frame"]] = row[key]
    shared = sorted(set.intersection(*map(set, seeds.values()))) if seeds else []
    return np.array([[of[frame] for frame in shared] for of in seeds.values()])


def _interval(errors_m: Floats) -> str:
    low, high = bootstrap_interval(errors_m)
    return f"{np.median(errors_m, axis=1).mean():.1f} m [{low:.1f}, {high:.1f}]"
