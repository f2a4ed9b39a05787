"""Score a poses file against the truth (a dataset, a run or a file), with the metrics and files of a run."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Pose
from hinted_posenet.data.formats import cambridge, seven_scenes
from hinted_posenet.data.formats.aerial import read_overview
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.recognise import Recognised, recognise
from hinted_posenet.data.read_scene import read_scene
from hinted_posenet.data.splits import hold_out
from hinted_posenet.evaluation.frames_file import Frames, read_frames
from hinted_posenet.evaluation.metrics import Thresholds, align
from hinted_posenet.evaluation.poses_file import PosesFile, read_poses_file, refuse
from hinted_posenet.evaluation.predictions import MethodAnswer, constant_answer, step_name
from hinted_posenet.evaluation.run_files import read_results
from hinted_posenet.evaluation.write_run import frames_of, pose_of, provenance, write_run

SUFFIX = re.compile(r"(\.color|\.rgb)?\.(png|jpe?g|bmp|webp|tiff?)$", re.IGNORECASE)
OF_A_FILE = [(0.25, 2.0), (0.5, 5.0), (5.0, 10.0)]  # metres, degrees: customary outdoors
MAX_DIFFERENCE_S = 0.01  # between times that mean one frame; evo's default


class Truth(NamedTuple):
    """Frames with their true poses, and the task that they define."""

    data: dict[str, str]  # name, scene and ground truth: results of the same may be compared
    split: str
    frames: Frames  # (N,)
    train: Frames | None
    thresholds: Thresholds
    about: dict[str, Any]  # what else results.json holds about the data


def read_truth(path: Path, split: str, ground_truth: str | None) -> Truth:
    """Read the truth from a scene's folder, a run's folder, or a poses file.

    The split may be all where a scene has no splits, and of a run is its own. ``ground_truth`` is for a scene
    that has several, such as raw, calibrated or sfm of 7-Scenes; None: the default.
    """
    if (path / "results.json").is_file():
        return _of_run(path)
    if path.is_file():
        return _of_file(path)
    return _of_scene(recognise(path), split, ground_truth)


def _of_run(folder: Path) -> Truth:
    results = read_results(folder / "results.json")
    splits = read_frames(folder / "frames.csv")
    split = str(results["split"])
    thresholds = [tuple(pair) for pair in results["config"]["data"]["recall_m_deg"]]
    kept = ("frames", "excluded_frames", "card_notes", "map", "origin")
    about = {key: results.get(key) for key in kept}
    return Truth(results["data"], split, splits[split], splits.get("train"), thresholds, about)


def _of_file(path: Path) -> Truth:
    known = read_poses_file(path)
    if known.failed:
        where = known.where[known.failed[0]]
        raise InputError(f"{where}: a true pose must not be NaN; remove the line")
    t, q = invert(*known.T_world_cam)
    count = len(known.names)
    T_cam_world, nowhere = torch.cat([q, t], dim=1).numpy(), np.full((count, 3), np.nan)
    blank, tags = [""] * count, [dict[str, str]()] * count
    frames = Frames(known.names, blank, tags, blank, T_cam_world, nowhere[:, 0], nowhere[:, 1:])
    data = {"name": "poses", "scene": path.stem, "ground_truth": "file"}
    return Truth(data, "all", frames, None, OF_A_FILE, _about({"all": count}))


def _of_scene(found: Recognised, split: str, ground_truth: str | None) -> Truth:
    config = yaml.safe_load((config_folder() / "data" / f"{found.layout}.yaml").read_text())
    read = found.read_views
    if ground_truth and found.layout != "seven_scenes":
        raise InputError(
            f"ground_truth={ground_truth}: {found.folder} has only its own; leave it out"
        )
    if ground_truth:
        read = partial(seven_scenes.read_views, ground_truth=ground_truth)
    if found.layout == "cambridge" and not (found.folder / "reconstruction.nvm").is_file():
        read = partial(cambridge.read_views, focal_px=np.nan)  # poses need no focal length
    if split not in (*found.splits, "val"):
        raise InputError(f"split={split}: {found.folder} has {', '.join(found.splits)}")
    whole = read_scene(read, found.root, found.scene, found.splits)
    for error in whole.broken.values():
        raise error
    views = whole.views
    if "train" in views and not views.get("val"):
        views["train"], views["val"] = hold_out(views["train"], found.scene, None)
    if not views.get(split):
        raise InputError(f"split={split}: no frames of it can be read in {found.folder}")
    of = ground_truth or config["ground_truth"]
    data = {"name": found.layout, "scene": found.scene, "ground_truth": of}
    about = _about({name: len(same) for name, same in views.items()})
    excluded = whole.excluded | {fault.name: fault.message for fault in whole.faults}
    about |= {"excluded_frames": excluded, "map": read_overview(found.folder)}
    origin = scene_origin(found.folder)
    about["origin"] = origin._asdict() if origin else None
    train = frames_of(views["train"]) if views.get("train") else None
    thresholds = [tuple(pair) for pair in config["recall_m_deg"]]
    return Truth(data, split, frames_of(views[split]), train, thresholds, about)


def _about(counts: dict[str, int]) -> dict[str, Any]:
    return {"frames": counts, "excluded_frames": {}, "card_notes": [], "map": None}


def match(answers: PosesFile, frames: Sequence[str]) -> tuple[Pose, torch.Tensor | None, list[str]]:
    """Return the poses in the order of the frames (N,), NaN where there is none, and notes on what is missing.

    In the middle are their covariances (N, 6, 6), or None where the file states none.

    Names are compared as they are, or, if none matches, without image suffixes. The times of a trajectory are
    compared with the image names, read as times, to within `MAX_DIFFERENCE_S`.

    Raises:
        InputError: It names the lines of unknown frames, or of frames that are answered twice.
    """
    rows = _rows(answers, frames)
    unknown = np.flatnonzero(rows < 0)
    if len(unknown) == len(rows):
        raise InputError(
            f"{answers.where[0]}: {answers.names[0]} is none of the {len(frames)} frames, and neither is any "
            f"other name of the file; frames have names like {frames[0]}"
        )
    refuse(
        [
            f"{answers.where[i]}: {answers.names[i]} is none of the {len(frames)} frames; remove the line, or "
            "score another split"
            for i in unknown
        ]
    )
    first: dict[int, str] = {}
    refuse(
        [
            f"{where}: answers {frames[row]}, as {first[row]} does"
            for row, where in zip(rows.tolist(), answers.where, strict=True)
            if first.setdefault(row, where) is not where
        ]
    )
    t, q = (torch.full((len(frames), n), torch.nan, dtype=torch.float64) for n in (3, 4))
    t[rows], q[rows] = answers.T_world_cam
    covariance = None
    if answers.covariance is not None:
        covariance = torch.full((len(frames), 6, 6), torch.nan, dtype=torch.float64)
        covariance[rows] = answers.covariance
    return Pose(t, q), covariance, _notes(answers, frames, rows)


def _rows(answers: PosesFile, frames: Sequence[str]) -> NDArray[np.int64]:
    """Return the frame's row for each answer, -1 for none."""
    if answers.format == "tum":
        return _rows_by_time(answers, frames)
    for simplify in (str, partial(SUFFIX.sub, "")):
        number = {simplify(name): row for row, name in enumerate(frames)}
        rows = [number.get(simplify(name), -1) for name in answers.names]
        if len(number) == len(frames) and max(rows) >= 0:
            break
    return np.array(rows)


def _rows_by_time(answers: PosesFile, frames: Sequence[str]) -> NDArray[np.int64]:
    stems = [SUFFIX.sub("", name).rpartition("/")[2] for name in frames]
    try:
        times_s = np.array(stems, dtype=np.float64)
        asked_s = np.array(answers.names, dtype=np.float64)
    except ValueError:
        raise InputError(
            f"{answers.where[0]}: a TUM trajectory has times, but frames have names like {frames[0]}; write "
            "lines `name qw qx qy qz tx ty tz` (world-to-camera) and give poses_format=text"
        ) from None
    order = np.argsort(times_s)
    after = np.searchsorted(times_s, asked_s, sorter=order).clip(1, max(len(order) - 1, 1))
    pair = order[np.stack([after - 1, np.minimum(after, len(order) - 1)])]
    gap_s = np.abs(times_s[pair] - asked_s)
    rows = np.take_along_axis(pair, gap_s.argmin(axis=0)[None], axis=0)[0]
    return np.where(gap_s.min(axis=0) <= MAX_DIFFERENCE_S, rows, -1)


def _notes(answers: PosesFile, frames: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    missing = np.setdiff1d(np.arange(len(frames)), rows).tolist()
    kinds = {
        "poses are NaN": [answers.where[i] for i in answers.failed],
        f"of {len(frames)} frames have no pose": [frames[i] for i in missing],
    }
    notes = []
    for what, those in kinds.items():
        if those:
            some = ", ".join(those[:3]) + (", ..." if len(those) > 3 else "")
            notes.append(f"{len(those)} {what} ({some}); they count as failures")
    return notes


def score_file(
    predictions: Path,
    truth: Path,
    split: str = "test",
    ground_truth: str | None = None,
    name: str | None = None,
    format: str | None = None,
    alignment: str = "none",
    out: Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Score poses and write results.json, poses.csv and frames.csv, as a run has them -> their folder.

    For ``predictions`` see `read_poses_file`; None recognizes their ``format``, and names the method after
    their file. For ``truth``, ``split`` and ``ground_truth`` see `read_truth`. An ``alignment``, none, rigid or
    similarity, aligns the whole trajectory to the true one first; this uses the labels, so the result is marked
    as an oracle's, and uncertainties, which are of the world before it was moved, are left out. For ``out`` None
    takes runs/<data>/<scene>/<name>/seed-0.
    """
    known = read_truth(truth, split, ground_truth)
    name = name or predictions.stem
    folder = out or Path("runs", known.data["name"], known.data["scene"], name, "seed-0")
    if (folder / "results.json").is_file() and not overwrite:
        raise InputError(f"{folder}: holds results; give overwrite=true, another name= or out=")
    pose, covariance, notes = match(read_poses_file(predictions, format), known.frames.name)
    true = pose_of(known.frames)
    oracle = alignment != "none"
    pose = align(pose, true, alignment)
    covariance = None if oracle else covariance
    answers = [MethodAnswer(step_name(1), "network", pose, covariance, step=1, oracle=oracle)]
    if known.train:
        answers.insert(0, constant_answer(pose_of(known.train), true))
    about = {
        "name": name,
        "data": known.data,
        "split": known.split,
        "seed": 0,
        "oracle": oracle,
        "inference_hint": {"name": "none"},
        **known.about,
        "notes": notes,
        **provenance("none"),
        "config": {
            "predictions": str(predictions),
            "truth": str(truth),
            "alignment": alignment,
            "data": {"recall_m_deg": known.thresholds},
        },
    }
    write_run(folder, about, known.frames, known.train, answers, true, known.thresholds)
    return folder
