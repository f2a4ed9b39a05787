"""results.json and curves.json of a run, read and checked: whoever uses them finds what `write_run` wrote.

Both are data of this package, but a stranger may have sent them, and a disk may have cut them off.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.schema import check_content
from hinted_posenet.core.text import read_json
from hinted_posenet.evaluation.frames_file import how_to_renew
from hinted_posenet.evaluation.metrics import modes_key, recalls_of
from hinted_posenet.evaluation.predictions import MODES, Role
from hinted_posenet.evaluation.write_run import LABELS, SeasonGroup

NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # as `write_json` has them
METRICS = [
    f"{statistic}_{error}"
    for statistic in ("median", "mean", "rmse", "p75", "p90", "p95", "max")
    for error in ("t_m", "r_deg")
]
CLAIMS = dict.fromkeys(f"coverage_{level}_position" for level in (50, 90, 95)) | {
    "p95_t_of_best_80_percent_of_all": None
}
TRAJECTORY = ("ate_rmse_m", "rpe_rmse_m", "rpe_rmse_deg")


@dataclass(frozen=True)
class _Data:
    name: str
    scene: str
    ground_truth: str


@dataclass(frozen=True)
class _Hint:
    name: str
    sigma_t_m: float | None = None
    sigma_r_deg: float | None = None


@dataclass(frozen=True)
class _Map:
    image: str
    bounds_m: tuple[float, float, float, float]


@dataclass(frozen=True)
class _Group:
    name: str
    season_group: SeasonGroup | None


@dataclass(frozen=True)
class _Row:
    group: str
    method: str
    role: Role
    step: Annotated[int, Ge(1)] | None
    oracle: bool
    frames: Annotated[int, Ge(0)]


@dataclass(frozen=True)
class _Trajectory:
    sequence: str
    method: str


@dataclass(frozen=True)
class _Results:
    """The keys of results.json that anything reads, but for metrics."""

    name: str
    data: _Data
    split: str
    seed: Annotated[int, Ge(0)]
    oracle: bool
    inference_hint: _Hint
    rows: Annotated[list[_Row], MinLen(1)]
    groups: list[_Group]
    frame_groups: Annotated[list[list[str]], MinLen(1)]
    resampling_unit: Literal["sequence", "frame"]
    map: _Map | None = None
    trajectories: list[_Trajectory] = field(default_factory=list)
    frames: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Errors:
    t_m: list[float | Literal["inf"]]
    r_deg: list[float | Literal["inf"]]


@dataclass(frozen=True)
class _Point:
    hint: _Errors
    answer: _Errors


@dataclass(frozen=True)
class _Steps:
    start: _Errors
    refinement_steps: list[_Errors]


@dataclass(frozen=True)
class _Curves:
    half_extent_m: Annotated[float, Gt(0)]
    sweep: Annotated[list[_Point], MinLen(1)]
    contraction: dict[str, _Steps]


def read_results(path: Path) -> dict[str, Any]:
    """Read a results.json.

    Raises:
        InputError: If the file is broken or of version 0.1.0; it says how to renew it.
    """
    fix = how_to_renew(path.parent)
    results: dict[str, Any] = read_json(path, fix)
    if isinstance(results, dict) and "resampling_unit" not in results:
        raise InputError(f"{path}: of an older version; {fix}")
    check_content(results, _Results, str(path), fix)
    for key in ("map", "notes"):
        results.setdefault(key, None if key == "map" else [])
    rows, trajectories = results["rows"], results.setdefault("trajectories", [])
    recalls = [key for key in rows[0] if re.fullmatch(r"recall_.*deg", key)]
    for number, row in enumerate(rows):
        needed = [*METRICS, *recalls]
        needed += CLAIMS if CLAIMS.keys() & row.keys() else ()
        if any(key.endswith("_modes") for key in row):
            needed += [modes_key(key, MODES) for key in recalls]
        _restore(row, needed, (*LABELS, "frames"), f"{path}: rows.{number}", fix)
    for number, row in enumerate(trajectories):
        where = f"{path}: trajectories.{number}"
        _restore(row, TRAJECTORY, ("sequence", "method"), where, fix)
        # former versions wrote no errors of what is answered, and no counts
        known = {f"{key}_of_answered": row[key] for key in TRAJECTORY}
        trajectories[number] = dict.fromkeys(("frames", "answered_frames"), math.nan) | known | row
    _check_groups(results, f"{path}: truncated or changed ({{}}); {fix}")
    return results


def read_curves(path: Path, count: int) -> dict[str, Any]:
    """Read a curves.json of a run with ``count`` scored frames.

    Raises:
        InputError: The file is broken or of other frames; it says how to renew it.
    """
    fix = how_to_renew(path.parent)
    curves: dict[str, Any] = read_json(path, fix)
    check_content(curves, _Curves, str(path), fix)
    every = [point[of] for point in curves["sweep"] for of in ("hint", "answer")]
    for steps in curves["contraction"].values():
        every += [steps["start"], *steps["refinement_steps"]]
    if "retrieval" not in curves["contraction"]:
        raise InputError(f"{path}: contraction.retrieval: missing; {fix}")
    for errors, key in ((errors, key) for errors in every for key in ("t_m", "r_deg")):
        errors[key] = [NOT_FINITE.get(value, value) for value in errors[key]]
        if len(errors[key]) != count:
            raise InputError(f"{path}: errors of {len(errors[key])} frames, not {count}; {fix}")
    return curves


def _restore(
    row: dict[str, Any], needed: Sequence[str], labels: Sequence[str], where: str, fix: str
) -> None:
    """Replace texts of numbers that are not finite, and refuse metrics that are missing or no numbers."""
    for key in needed:
        if key not in row:
            raise InputError(f"{where}.{key}: missing; {fix}")
    for key in row.keys() - {*labels}:
        value = row[key] = NOT_FINITE.get(str(row[key]), row[key])
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where}.{key}: expected a number, found {str(value)[:40]!r}; {fix}")


def _check_groups(results: dict[str, Any], message: str) -> None:
    """Refuse a file whose groups, rows and thresholds do not go together."""
    groups = [group["name"] for group in results["groups"]]
    methods = {row["method"]: row for row in results["rows"]}
    found = [(row["group"], row["method"]) for row in results["rows"]]
    if "all" not in groups or sorted(found) != sorted((g, m) for g in groups for m in methods):
        raise InputError(message.format("rows are not one per group and method"))
    if not any(row["role"] == "network" for row in methods.values()):
        raise InputError(message.format("no row has the role network"))
    counts = Counter(name for names in results["frame_groups"] for name in names)
    if any(row["frames"] != counts[row["group"]] for row in results["rows"]):
        raise InputError(message.format("frame_groups have other counts than rows"))
    if any(row["method"] not in methods for row in results["trajectories"]):
        raise InputError(message.format("a trajectory is of no method"))
    try:
        recalls_of(results)
    except ValueError:
        raise InputError(message.format("a recall has no thresholds")) from None
