"""What poses are scored against: a data set on disk, a run that scored the same frames, or a poses file."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Fault
from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude
from hinted_posenet.data.formats import cambridge, seven_scenes
from hinted_posenet.data.formats.aerial import read_overview
from hinted_posenet.data.formats.recognise import Recognised, recognise
from hinted_posenet.data.splits import hold_out, without
from hinted_posenet.evaluation.frames_file import Frames, read_frames
from hinted_posenet.evaluation.metrics import Thresholds
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.evaluation.run_files import read_results
from hinted_posenet.evaluation.write_run import frames_of

OF_A_FILE = [(0.25, 2.0), (0.5, 5.0), (5.0, 10.0)]  # metres, degrees: the field's, outdoors


class Truth(NamedTuple):
    """Frames with their true poses, and which question they belong to."""

    data: dict[str, str]  # name, scene and ground truth: results of the same may be compared
    split: str
    frames: Frames  # (N,)
    train: Frames | None
    thresholds: Thresholds
    about: dict[str, Any]  # more of what results.json says of the data


def read_truth(path: Path, split: str, ground_truth: str | None) -> Truth:
    """Read the truth.

    Args:
        path: a scene's folder, a run's folder, or a poses file.
        split: train, val, test, or all where a scene has no splits; of a run, its own.
        ground_truth: of a scene that has several, such as raw, calibrated or sfm of 7-Scenes; None: the default.
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
    about = {key: results[key] for key in ("frames", "excluded_frames", "card_notes", "map")}
    return Truth(results["data"], split, splits[split], splits.get("train"), thresholds, about)


def _of_file(path: Path) -> Truth:
    known = read_poses_file(path)
    failed = torch.cat(known.T_world_cam, dim=1).isnan().any(dim=1)
    if failed.any():
        raise InputError(
            f"{known.where[int(failed.nonzero()[0])]}: NaN is no true pose; remove the line"
        )
    t, q = invert(*known.T_world_cam)
    count = len(known.names)
    nowhere = np.full(count, np.nan)
    frames = Frames(
        known.names,
        [""] * count,
        [{}] * count,
        [""] * count,
        torch.cat([q, t], dim=1).numpy(),
        nowhere,
        np.column_stack([nowhere, nowhere]),
    )
    data = {"name": "poses", "scene": path.stem, "ground_truth": "file"}
    return Truth(data, "all", frames, None, OF_A_FILE, _about({"all": count}))


def _of_scene(found: Recognised, split: str, ground_truth: str | None) -> Truth:
    config = yaml.safe_load((config_folder() / "data" / f"{found.layout}.yaml").read_text())
    read = found.read_views
    if ground_truth and found.layout != "seven_scenes":
        raise InputError(
            f"--ground-truth {ground_truth}: {found.folder} has only its own; leave it out"
        )
    if ground_truth:
        read = partial(seven_scenes.read_views, ground_truth=ground_truth)
    if found.layout == "cambridge" and not (found.folder / "reconstruction.nvm").is_file():
        read = partial(cambridge.read_views, focal_px=np.nan)  # poses need no focal length
    if split not in (*found.splits, "val"):
        raise InputError(f"--split {split}: {found.folder} has {', '.join(found.splits)}")
    excluded = read_exclude(found.folder / EXCLUDE_FILE)
    faults: list[Fault] = []
    whole = {name: read(found.root, found.scene, name, faults=faults) for name in found.splits}
    broken = {fault.name: fault.message for fault in faults}
    views = without(whole, excluded)
    if "train" in views and not views.get("val"):
        views["train"], views["val"] = hold_out(views["train"], found.scene, None)
    if not views.get(split):
        raise InputError(f"--split {split}: no frames of it can be read in {found.folder}")
    data = {"name": found.layout, "scene": found.scene}
    data["ground_truth"] = ground_truth or config["ground_truth"]
    about = _about({name: len(same) for name, same in views.items()})
    about |= {"excluded_frames": excluded | broken, "map": read_overview(found.folder)}
    train = frames_of(views["train"]) if views.get("train") else None
    thresholds = [tuple(pair) for pair in config["recall_m_deg"]]
    return Truth(data, split, frames_of(views[split]), train, thresholds, about)


def _about(counts: dict[str, int]) -> dict[str, Any]:
    return {"frames": counts, "excluded_frames": {}, "card_notes": [], "map": None}
