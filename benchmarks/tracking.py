"""How well a tracker follows a camera, beside single images, odometry and GPS alone, and how soon it finds back.

    python benchmarks/tracking.py --data DATA --run RUN --out runs/tracking

Flights over the photos of NAIP, whose map lacks the date that is flown over, with GPS that drops out for 10, 30
and 60 seconds and odometry that drifts; and, with a run that was trained on RedKitchen, its test sequences with
drifting odometry, and with jumps from one sequence into the other. Each stream is a file of ``out``; what is there
is not computed again. The table has medians of the position's error, and the normalized estimation error squared
(NEES), which is 1 where covariances are right, and less where they are too large.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from tracking_flight import Stream, after, drifting, flight, place_of_flight, readings, sequence
from tracking_gtsam import factor_graph

import hinted_posenet as hp
from hinted_posenet.core.covariance import offset
from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.core.files import write_json
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.track_filter import MotionModel
from hinted_posenet.inference.track_smoother import Smoother
from hinted_posenet.inference.tracked import Trackable, Tracked

DATE, BEFORE, AFTER = "2017-08-27", 20, 15  # frames with GPS around a drop-out
FLYING = MotionModel(drift_m=0.2, drift_deg=0.02)  # 2 m and 0.2 degrees after 100 m
WALKING = MotionModel(speed_m_s=1.0, drift_m=0.03, drift_deg=0.3)
JUMP, FOUND_M = 10, 0.15  # frames before and after, and how near is found


def main() -> None:
    """Track what is left, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of aerial/, seven_scenes/")
    parser.add_argument("--run", type=Path, nargs="*", default=[], help="trained on RedKitchen")
    parser.add_argument("--out", type=Path, default=Path("runs/tracking"))
    parser.add_argument("--outages", type=int, nargs="*", default=[10, 30, 60], help="seconds")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jumps", type=int, default=0)
    parser.add_argument("--insert", type=Path, help="page that has the table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    photos = arguments.data / "aerial" / "naip_north_dakota"
    todo: dict[str, Callable[[], dict[str, Any]]] = {}
    for run in arguments.run:
        method = run.parent.name
        for name in ("seq-03", "seq-07"):
            todo[f"{method}-{name}"] = partial(walk, run, arguments.data, name)
        for seed in range(arguments.jumps):
            todo[f"{method}-jump-{seed}"] = partial(jump, run, arguments.data, seed)
    for seed in range(arguments.seeds):
        for outage_s in arguments.outages:
            todo[f"flight-{outage_s}s-{seed}"] = partial(fly, photos, outage_s, seed)
    for name, result in todo.items():
        path = arguments.out / f"{name}.json"
        if not path.exists():
            write_json(path, result())
    rows, lines = table(arguments.out)
    print("\n".join([text_table(rows), *lines]))
    if arguments.insert:
        insert_text(arguments.insert, "tracking", "\n".join([markdown_table(rows), "", *lines]))


def fly(photos: Path, outage_s: int, seed: int) -> dict[str, Any]:
    """Track a flight whose GPS drops out once."""
    files = [
        file for file in sorted(photos.glob("*.tif")) if DATE.replace("-", "") not in file.name
    ]
    localizer = hp.open_map([str(file) for file in files], threads=1)
    stream = flight(photos, DATE, BEFORE + outage_s + AFTER, seed)
    shift_m = localizer.origin.to_world(*place_of_flight(photos), 0.0, None)
    moved = [pose._replace(t=pose.t + shift_m) for pose in stream.truth]
    stream = stream._replace(truth=moved)  # in the world of the map
    off = range(BEFORE, BEFORE + outage_s)
    priors = readings(stream.truth, off, seed)
    return measure(localizer, stream, FLYING, priors, seed, list(off)) | {
        "kind": f"drop-out {outage_s} s"
    }


def walk(run: Path, data: Path, name: str) -> dict[str, Any]:
    """Track a sequence of RedKitchen without GPS."""
    localizer, stream = hp.load(run, threads=1), sequence(data, name)
    nothing: list[Hint | None] = [None] * len(stream.truth)
    rows = list(range(5, len(stream.truth)))
    return measure(localizer, stream, WALKING, nothing, 0, rows) | {
        "kind": f"RedKitchen, {run.parent.name}"
    }


def jump(run: Path, data: Path, seed: int) -> dict[str, Any]:
    """Put the camera from one sequence into another, while odometry says that it walked on."""
    localizer, draw = hp.load(run, threads=1), np.random.default_rng(seed)
    names = draw.permutation(["seq-03", "seq-07"])
    here, there = (sequence(data, str(name)) for name in names)
    first = int(draw.integers(0, len(here.truth) - 2 * JUMP))  # odometry goes on there
    then = int(draw.integers(0, len(there.truth) - JUMP))
    tracker = hp.Tracker(localizer, WALKING)
    motions = drifting(here.truth[first : first + 2 * JUMP], WALKING, seed)
    back: list[int] = []
    for k in range(2 * JUMP):
        stream, row = (here, first + k) if k < JUMP else (there, then + k - JUMP)
        motion = motions[k]
        found = tracker.step(stream.images[row], k / 30, motion and (motion, None))
        if k < JUMP or found.pose is None or found.status not in ("recovered", "ok"):
            continue
        if float((found.pose.t - stream.truth[row].t).norm()) < FOUND_M:
            back.append(k - JUMP + 1)
    return {"kind": f"jump, {run.parent.name}", "frames": back[0] if back else None}


def measure(
    localizer: Trackable,
    stream: Stream,
    model: MotionModel,
    priors: Sequence[Hint | None],
    seed: int,
    rows: list[int],
) -> dict[str, Any]:
    """Track a stream, and return errors in metres and NEES of its frames; ``rows`` are those of the table."""
    tracker, smoother = hp.Tracker(localizer, model, stream.K), Smoother()
    motions = drifting(stream.truth, model, seed)
    found, single, alone = list[Tracked](), list[Pose | None](), list[Pose | None]()
    for k, image in enumerate(tqdm(stream.images, "track")):
        motion = motions[k]
        found.append(tracker.step(image, stream.stamp_s[k], motion and (motion, None), priors[k]))
        smoother.add(tracker, found[-1])
        single.append(_single(localizer, image, stream.K, priors[k]))
        before = alone[-1] if alone else None
        alone.append(
            found[-1].pose if k < rows[0] or not (before and motion) else after(before, motion)
        )
    smoothed = smoother.path()
    known = [k for k, one in enumerate(smoothed) if one]
    graph: list[Hint | None] = [None] * len(found)
    solved = factor_graph(
        [found[k].pose or stream.truth[k] for k in known],
        [motions[k] for k in known],
        [found[k].evidence for k in known],
        [priors[k] for k in known],
        model,
    )
    for k, hint in zip(known, solved, strict=True):
        graph[k] = hint
    tracked = [
        Hint(f.pose, f.covariance) if f.pose and f.covariance is not None else None for f in found
    ]
    hints = {"tracker": tracked, "smoother": smoothed, "factor graph": graph}
    poses = {"single image": single, "odometry": alone, "GPS": [p and p.pose for p in priors]}
    errors = {
        name: _errors([h and h.pose for h in row], stream.truth) for name, row in hints.items()
    }
    errors |= {name: _errors(row, stream.truth) for name, row in poses.items()}
    nees = {
        name: [_nees(*pair) for pair in zip(row, stream.truth, strict=True)]
        for name, row in hints.items()
    }
    return {"rows": rows, "status": [f.status for f in found], "error_m": errors, "nees": nees}


def _single(localizer: Trackable, image: Any, K: Any, prior: Hint | None) -> Pose | None:
    """Return the answer to one image and its own prior; None where there is none."""
    try:
        return localizer.locate(image, K, prior).pose
    except InputError:
        return None


def _errors(poses: Sequence[Pose | None], truth: Sequence[Pose]) -> list[float]:
    return [
        math.nan if pose is None else float((pose.t - true.t).norm())
        for pose, true in zip(poses, truth, strict=True)
    ]


def _nees(hint: Hint | None, true: Pose) -> float:
    if hint is None:
        return math.nan
    error = offset(hint.pose, true)
    return float(error @ torch.linalg.solve(hint.covariance, error)) / 6


def table(folder: Path) -> tuple[list[list[str]], list[str]]:
    """Return the table of all results in a folder, and lines about jumps."""
    files = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    files += [with_gps(one) for one in files if one["kind"].startswith("drop-out")]
    kinds = dict.fromkeys(one["kind"] for one in files if "rows" in one)
    names = ["single image", "tracker", "smoother", "factor graph", "odometry", "GPS"]
    lines = [
        [
            "stream",
            "frames",
            *(f"{name} [m]" for name in names),
            "at the end",
            "NEES",
            "of smoother",
            "of graph",
        ]
    ]
    for kind in kinds:
        of_kind = [one for one in files if one["kind"] == kind]
        cells = [kind, str(sum(len(one["rows"]) for one in of_kind))]
        cells += [_median(of_kind, name) for name in names]
        ends = [
            [float(one["error_m"][name][one["rows"][-1]]) for one in of_kind]
            for name in ("tracker", "odometry")
        ]
        cells.append(" / ".join(f"{np.median(end):.3g}" for end in ends))
        for name in ("tracker", "smoother", "factor graph"):
            values = [
                float(one["nees"][name][k]) for one in of_kind for k in range(2, len(one["status"]))
            ]
            cells.append(f"{np.nanmean(values):.2f}")
        lines.append(cells)
    about: list[str] = []
    for kind in dict.fromkeys(one["kind"] for one in files if "frames" in one):
        frames = [one["frames"] for one in files if one["kind"] == kind]
        soon = sum(count is not None and count <= 5 for count in frames)
        most = max((count for count in frames if count is not None), default=0)
        about.append(f"{kind}: found within 5 frames in {soon} of {len(frames)}, at most {most}.")
    return lines, about


def with_gps(flown: dict[str, Any]) -> dict[str, Any]:
    """Return a flight for a line of its frames that have GPS."""
    gps = [float(error) for error in flown["error_m"]["GPS"]]
    rows = [k for k, error in enumerate(gps) if k >= 5 and math.isfinite(error)]
    return flown | {"kind": "flights while there is GPS", "rows": rows}


def _median(files: Sequence[dict[str, Any]], name: str) -> str:
    """Return the median error in the frames of the table."""
    values = [float(one["error_m"][name][k]) for one in files for k in one["rows"]]
    known = [value for value in values if math.isfinite(value)]
    return f"{np.median(known):.3g}" if len(known) > len(values) / 2 else "-"


if __name__ == "__main__":
    with one_line_errors():
        main()
