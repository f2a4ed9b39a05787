"""The truth that poses are scored against: a data set, a run or a file of poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from annotated_types import Gt

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.schema import check_content
from hinted_posenet.core.text import read_yaml
from hinted_posenet.data.formats import cambridge, seven_scenes
from hinted_posenet.data.formats.aerial import read_overview
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.recognise import Recognised, recognise
from hinted_posenet.data.read_scene import read_scene
from hinted_posenet.data.splits import hold_out
from hinted_posenet.evaluation.frames_file import Frames, how_to_renew, read_frames
from hinted_posenet.evaluation.match import Targets
from hinted_posenet.evaluation.metrics import Thresholds
from hinted_posenet.evaluation.pose_rows import PosesFile
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.evaluation.results_file import read_results
from hinted_posenet.evaluation.write_run import frames_of

OF_A_FILE = [(0.25, 2.0), (0.5, 5.0), (5.0, 10.0)]  # metres, degrees: customary outdoors
# of cameras whose file of focal lengths is not there: poses do not need any, and none is written
NOMINAL_FOCAL_PX = 1000.0


@dataclass(frozen=True)
class _OfData:
    recall_m_deg: tuple[tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]], ...]


@dataclass(frozen=True)
class _OfConfig:
    data: _OfData


@dataclass(frozen=True)
class _Thresholds:
    """Where results.json has the thresholds of its recalls."""

    config: _OfConfig


class Truth(NamedTuple):
    """Frames with their true poses, and the task that they define."""

    data: dict[str, str]  # name, scene and ground truth: results of the same may be compared
    split: str
    frames: Frames  # (N,)
    train: Frames | None
    thresholds: Thresholds
    about: dict[str, Any]  # what else results.json holds about the data
    file: PosesFile | None = None  # that all of it is from

    @property
    def targets(self) -> Targets:
        """The frames, as answers are paired with them."""
        file = self.file
        by_line = file is not None and file.format == "kitti"
        return Targets(self.frames.name, file.times_s if file else None, by_line)

    def of(self, rows: Sequence[int]) -> "Truth":
        """Return the truth of some frames of a file, of a trajectory those that have an answer."""
        about = {**self.about, **_about({"all": len(rows)})}
        return self._replace(frames=self.frames.at(rows), about=about)


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
    split, fix = str(results["split"]), how_to_renew(folder)
    check_content(results, _Thresholds, str(folder / "results.json"), fix)
    if split not in splits:
        raise InputError(f"{folder / 'frames.csv'}: has no frames of the split {split}; {fix}")
    thresholds = [tuple(pair) for pair in results["config"]["data"]["recall_m_deg"]]
    kept = ("frames", "excluded_frames", "card_notes", "map", "origin")
    about = {key: results.get(key) for key in kept}
    return Truth(results["data"], split, splits[split], splits.get("train"), thresholds, about)


def _of_file(path: Path) -> Truth:
    known = read_poses_file(path, is_truth=True)
    if known.failed:
        where = known.where[known.failed[0]]
        raise InputError(f"{where}: a true pose must not be NaN; remove the line")
    t, q = invert(*known.T_world_cam)
    count = len(known.names)
    T_cam_world, nowhere = torch.cat([q, t], dim=1).numpy(), np.full((count, 3), np.nan)
    blank, tags = [""] * count, [dict[str, str]()] * count
    frames = Frames(known.names, blank, tags, blank, T_cam_world, nowhere[:, 0], nowhere[:, 1:])
    data = {"name": "poses", "scene": path.stem, "ground_truth": "file"}
    return Truth(data, "all", frames, None, OF_A_FILE, _about({"all": count}), known)


def _of_scene(found: Recognised, split: str, ground_truth: str | None) -> Truth:
    config = read_yaml(config_folder() / "data" / f"{found.layout}.yaml")
    read = found.read_views
    if ground_truth and found.layout != "seven_scenes":
        raise InputError(
            f"ground_truth={ground_truth}: {found.folder} has only its own; leave it out"
        )
    if ground_truth:
        read = partial(seven_scenes.read_views, ground_truth=ground_truth)
    focal_is_known = found.layout != "cambridge" or (found.folder / "reconstruction.nvm").is_file()
    if not focal_is_known:
        read = partial(cambridge.read_views, focal_px=NOMINAL_FOCAL_PX)
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
    frames = {name: frames_of(same) for name, same in views.items() if same}
    if not focal_is_known:
        for name, same in frames.items():
            frames[name] = same._replace(fov_deg=np.full_like(same.fov_deg, np.nan))
    thresholds = [tuple(pair) for pair in config["recall_m_deg"]]
    return Truth(data, split, frames[split], frames.get("train"), thresholds, about)


def _about(counts: dict[str, int]) -> dict[str, Any]:
    return {"frames": counts, "excluded_frames": {}, "card_notes": [], "map": None}
