"""How errors grow with area, months or altitude: runs of one or more scenes, lined up along an axis."""

import math
import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import numpy as np
from scipy.stats import linregress, t

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.bootstrap import median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.predictions import (
    CONSTANT,
    HINT_ANSWER,
    NEAREST_CAMERA,
    ORACLE,
    RETRIEVAL,
    method_title,
)
from hinted_posenet.evaluation.run_files import Run, by_title

NEAREST = method_title(NEAREST_CAMERA, None)
ORACLE_ANSWER = f"{HINT_ANSWER} {ORACLE}"
ORACLE_RETRIEVAL = f"{RETRIEVAL} from the hint {ORACLE}"
CONTROLS = (CONSTANT, NEAREST, RETRIEVAL, ORACLE_ANSWER, ORACLE_RETRIEVAL)


class Point(NamedTuple):
    """The frames of one scene at one place of the axis."""

    x: float
    train_views: int
    errors_m: dict[str, Floats]  # row -> (seeds, N)
    oracle: frozenset[str] = frozenset()  # networks whose hints were made from the labels


class Curve(NamedTuple):
    """Points by increasing x."""

    title: str
    points: list[Point]

    @property
    def rows(self) -> list[str]:
        """Of all points: controls, then networks with their hints."""
        rows = dict.fromkeys(row for point in self.points for row in point.errors_m)
        return sorted(rows, key=lambda row: row not in CONTROLS)

    @property
    def oracle(self) -> frozenset[str]:
        """Networks whose hints were made from the labels."""
        return frozenset().union(*(point.oracle for point in self.points))


class Axis(NamedTuple):
    """What errors are drawn against."""

    title: str
    unit: str
    grows: bool  # by a power law, which is fitted
    curves: Callable[[list[list[Run]]], list[Curve]]  # of the runs of each scene


class Growth(NamedTuple):
    """error = factor * x ** exponent."""

    factor: float
    exponent: float
    low: float  # of the exponent, 95 %
    high: float

    def at(self, x: Floats) -> Floats:
        """Return the fitted errors."""
        return np.asarray(self.factor * x**self.exponent)


def fit_growth(points: list[Point], row: str) -> Growth | None:
    """Least squares in log-log of a row's median errors; None of fewer than 3 points.

    The interval is Student's, from how far the points are off the line: a scene is one observation,
    so it covers what differs from world to world, and not only from frame to frame.
    """
    found = [point for point in points if row in point.errors_m]
    if len(found) < 3:
        return None
    x = np.log([point.x for point in found])
    line = linregress(x, np.log([median(point.errors_m[row]) for point in found]))
    half = t.ppf(0.975, len(found) - 2) * line.stderr
    return Growth(math.exp(line.intercept), line.slope, line.slope - half, line.slope + half)


def _scene_curves(scenes: list[list[Run]]) -> list[Curve]:
    """Return a curve for what training saw and one for what it did not; each scene is a point."""
    points: dict[str, list[Point]] = {}
    for runs in scenes:
        first = runs[0]
        for group in first.season_groups or ["all"]:
            point = _point(runs, area_km2(first), first.in_group(group))
            points.setdefault(group, []).append(point)
    return [Curve(group, sorted(same, key=lambda point: point.x)) for group, same in points.items()]


def _frame_curves(place: Callable[[Run], Floats]) -> Callable[[list[list[Run]]], list[Curve]]:
    """Return a function that makes a curve of each scene, over the places of its frames."""

    def curves(scenes: list[list[Run]]) -> list[Curve]:
        found = []
        for runs in scenes:
            x = place(runs[0])
            points = [_point(runs, float(value), x == value) for value in np.unique(x)]
            found.append(Curve(runs[0].results["data"]["scene"], points))
        return found

    return curves


def _point(runs: list[Run], x: float, frames: Chosen) -> Point:
    errors_m = {row: errors[:, frames] for row, errors in _row_errors(runs).items()}
    oracle = frozenset(run.title for run in runs if run.results["oracle"])
    return Point(x, runs[0].results["frames"]["train"], errors_m, oracle)


def _row_errors(runs: list[Run]) -> dict[str, Floats]:
    """Return position errors (seeds, N) of every row, over all frames of a scene."""
    non_oracle = next((run for run in runs if not run.results["oracle"]), None)
    if non_oracle is None:
        raise InputError(
            f"{runs[0].folder}: all runs of its scene have an oracle hint; give one without too, "
            "for the controls"
        )
    controls = (non_oracle.methods[name] for name in (CONSTANT, NEAREST_CAMERA, RETRIEVAL))
    rows = {control.title: control.error_t_m[None] for control in controls}
    for title, same in by_title(runs).items():
        if same[0].results["oracle"]:  # the same readings in every run, and the controls see them
            first = same[0].methods
            rows[ORACLE_ANSWER] = first[HINT_ANSWER].error_t_m[None]
            rows[ORACLE_RETRIEVAL] = first[RETRIEVAL].error_t_m[None]
        rows[title] = np.stack([run.steps[-1].error_t_m for run in same])
    return rows


def area_km2(run: Run) -> float:
    """Return the area of the square over which uniform cameras have the spread of the test cameras."""
    true_m = next(iter(run.methods.values())).true_m
    return float(12 * np.prod(true_m[:, :2].std(axis=0)) / 1e6)


def months_from_training(run: Run) -> Floats:
    """Return the months of the year (N,) from each frame's date to the nearest training date."""
    days = [date.fromisoformat(frame["date"]) for frame in run.frames]
    month = np.array([day.month - 1 + (day.day - 1) / 31 for day in days])
    seen = run.in_season_group("seen")
    if not seen.any():
        raise InputError(f"{run.folder}: no test frame has a date that training saw to count from")
    apart = np.abs(month[:, None] - np.unique(month[seen]))
    return np.asarray(np.minimum(apart, 12 - apart).min(axis=1).round(1))


def flight_altitude_m(run: Run) -> Floats:
    """Return the altitude (N,) that each frame's flight is named after: test_300m."""
    altitudes = []
    for frame in run.frames:
        named = re.search(r"_(\d+)m$", frame["sequence"])
        if named is None:
            raise InputError(
                f"{run.folder}: flight {frame['sequence']} is not named after its altitude; "
                "expected a name like test_300m"
            )
        altitudes.append(float(named[1]))
    return np.array(altitudes)


AXES = {
    "area": Axis("area at one number of training views", "km²", True, _scene_curves),
    "density": Axis("area at one density of training views", "km²", True, _scene_curves),
    "months": Axis(
        "time of the year from training", "months", False, _frame_curves(months_from_training)
    ),
    "altitude": Axis("altitude above ground", "m", False, _frame_curves(flight_altitude_m)),
}
