"""Result files of several runs, read and checked against each other: the input of tables and figures."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import short_length
from hinted_posenet.core.text import check_row, read_table
from hinted_posenet.data.poses import SIGMA_COLUMNS
from hinted_posenet.evaluation.frames_file import (
    MOST_M,
    T_CAM_WORLD,
    Chosen,
    Floats,
    Frames,
    how_to_renew,
    read_frames,
)
from hinted_posenet.evaluation.predictions import HINT_ANSWER, ORACLE, Role, method_title
from hinted_posenet.evaluation.results_file import read_results
from hinted_posenet.evaluation.write_poses import ERRORS, NEES
from hinted_posenet.evaluation.write_run import LABELS, SeasonGroup

CONTROL_HINTS = ("constant", "retrieval", "nearest")  # which, taken as answers, every table has


class MethodPoses(NamedTuple):
    """What a run's files hold of one method, frame by frame in the order of poses.csv."""

    method: str
    role: Role
    step: int | None  # 1, 2, ... of a network's refinement
    oracle: bool  # whether the labels went into it
    frames: list[dict[str, str]]  # name, sequence, tags and neighbour
    error_t_m: Floats  # (N,)
    error_r_deg: Floats  # (N,)
    predicted_m: Floats  # (N, 3) camera centers in the world
    true_m: Floats  # (N, 3)
    T_cam_world: Floats  # (N, 7) predicted: qw, qx, qy, qz, tx, ty, tz
    # (N, 6) stated standard deviations along the world's axes in metres, about them in degrees; inf or NaN where
    # none is stated
    sigma: Floats
    nees_position: Floats  # (N,) see `calibration.normalised_errors`
    nees_rotation: Floats  # (N,)

    @property
    def title(self) -> str:
        """The method's name in tables and figures."""
        return method_title(self.method, self.step)

    @property
    def position_sigma_m(self) -> Floats:
        """(N,) root of the summed variances of the position; inf or NaN where one is not stated."""
        return np.asarray(np.sqrt(np.square(self.sigma[:, :3]).sum(axis=1)))

    @property
    def neighbour(self) -> list[str]:
        """(N,) names of the training images that poses were taken from; empty where from none."""
        return [frame["neighbour"] for frame in self.frames]


class Run(NamedTuple):
    """One results.json with its poses.csv."""

    folder: Path
    results: dict[str, Any]
    methods: dict[str, MethodPoses]

    @property
    def start(self) -> str | None:
        """Name of the first hint's source: constant, network, retrieval, ...; None for a network without."""
        name = str(self.results["inference_hint"]["name"])
        return None if name == "none" else name

    @property
    def title(self) -> str:
        """Network and first hint, with a simulated sensor's accuracy: what runs of several seeds share."""
        title, start, hint = self.results["name"], self.start, self.results["inference_hint"]
        if start == "oracle":
            turn = "" if hint["sigma_r_deg"] is None else f" and {hint['sigma_r_deg']:g}°"
            start = f"a sensor of {short_length(hint['sigma_t_m'])}{turn}"
        title += f" from {start}" if start else ""
        return f"{title} {ORACLE}" if self.results["oracle"] else title

    @property
    def reads(self) -> list[Any]:
        """Configs of backbone and pool, on which features depend; InputError for poses of other software."""
        config = self.results.get("config")
        if not isinstance(config, dict) or not {"backbone", "pool"} <= config.keys():
            raise InputError(f"{self.folder}: has no backbone and pool; give runs of trainings")
        return [config["backbone"], config["pool"]]

    @property
    def has_hint_of_its_own(self) -> bool:
        """Whether its first hint, taken as the answer, is none of the controls that every table has."""
        return HINT_ANSWER in self.methods and self.start not in CONTROL_HINTS

    @property
    def steps(self) -> list[MethodPoses]:
        """The network's answers, by refinement step."""
        networks = (method for method in self.methods.values() if method.role == "network")
        return sorted(networks, key=lambda method: method.step or 0)

    @property
    def frames(self) -> list[dict[str, str]]:
        """Name, sequence and tags of the N scored frames."""
        return next(iter(self.methods.values())).frames

    @property
    def season_groups(self) -> list[str]:
        """Names of the groups of frames that training saw, or did not see."""
        groups = self.results["groups"]
        return [group["name"] for group in groups if group["season_group"] in ("seen", "unseen")]

    def in_group(self, name: str) -> Chosen:
        """Return which frames (N,) are in a group."""
        return np.array([name in names for names in self.results["frame_groups"]])

    def in_groups(self, names: Sequence[str]) -> dict[str, Chosen]:
        """Return which frames (N,) are in each group; an InputError lists the known groups."""
        known = [group["name"] for group in self.results["groups"]]
        for name in names:
            if name not in known:
                raise InputError(f"groups={name}: choose among {', '.join(known)}")
        return {name: self.in_group(name) for name in names}

    def in_season_group(self, season_group: SeasonGroup) -> Chosen:
        """Return which frames (N,) are in any group of the kind."""
        names = {g["name"] for g in self.results["groups"] if g["season_group"] == season_group}
        return np.array([not names.isdisjoint(found) for found in self.results["frame_groups"]])

    def sequences(self, frames: Chosen) -> list[str] | None:
        """Return the sequences of chosen frames (N,), which a bootstrap resamples; None: it resamples frames."""
        if self.results["resampling_unit"] == "frame":
            return None
        return [row["sequence"] for row, chosen in zip(self.frames, frames, strict=True) if chosen]

    def read_frames(self) -> dict[str, Frames]:
        """Read the scored frames, by the name of their split, and those of training."""
        path, split = self.folder / "frames.csv", self.results["split"]
        found = read_frames(path)
        names = [frame["name"] for frame in self.frames]
        if split not in found or found[split].name != names:
            raise InputError(f"{path}: of other frames than poses.csv; {how_to_renew(self.folder)}")
        return found


def read_runs(folders: list[Path]) -> list[Run]:
    """Read runs and check that they answer the same question: scene, ground truth, split and frames."""
    if not folders:
        raise InputError(
            "compare: no runs; give the folders of at least one, e.g. runs/aerial/quickstart/*/*"
        )
    runs = [_read_run(folder) for folder in folders]
    first = runs[0]
    for run in runs[1:]:
        for key in ("data", "split"):
            ours, theirs = run.results[key], first.results[key]
            if ours != theirs:
                raise InputError(
                    f"{run.folder}: {key} is {ours}, but {first.folder} has {theirs}; compare runs of one "
                    "scene, ground truth and split"
                )
        if [frame["name"] for frame in run.frames] != [frame["name"] for frame in first.frames]:
            raise InputError(
                f"{run.folder}: scored other frames than {first.folder}; evaluate both on the same data set"
            )
    return runs


def read_scenes(folders: list[Path]) -> list[list[Run]]:
    """Read runs and group them by scene, in the order given."""
    scenes: dict[str, list[Path]] = {}
    for folder in folders:
        scene = read_results(_results_file(folder))["data"]["scene"]
        scenes.setdefault(scene, []).append(folder)
    return [read_runs(same) for same in scenes.values()]


def by_title(runs: list[Run]) -> dict[str, list[Run]]:
    """Group runs that differ only in their seed, in the order given."""
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        title, seed = run.title, run.results["seed"]
        if seed in [other.results["seed"] for other in grouped[title]]:
            raise InputError(f"{run.folder}: second run of {title} with seed {seed}")
        grouped[title].append(run)
    return dict(grouped)


def _results_file(folder: Path) -> Path:
    file = folder if folder.suffix == ".json" else folder / "results.json"
    if not file.is_file():
        raise InputError(f"{file}: no such file; give folders of finished runs")
    return file


def _read_run(folder: Path) -> Run:
    file = _results_file(folder)
    results = read_results(file)
    poses, fix = file.parent / "poses.csv", how_to_renew(file.parent)
    columns, table = read_table(poses, fix)
    if not {"method", "name", "sequence", "neighbour", *NEES} <= set(columns):
        whole = {"method", "name", "sequence"} <= set(columns)
        raise InputError(
            f"{poses}: {'of an older version' if whole else 'truncated or changed'}; {fix}"
        )
    lines: dict[str, list[dict[str, str]]] = defaultdict(list)
    for where, row in table:
        check_row(row, where, fix)
        lines[row["method"]].append(row)
    labels = {row["method"]: row for row in results["rows"]}
    try:
        methods = {name: _poses(labels[name], rows) for name, rows in lines.items()}
    except (KeyError, ValueError):  # a column or a method of others, a number that is none
        methods = {}
    names = [frame["name"] for rows in lines.values() for frame in rows]
    count = len(results["frame_groups"])
    whole = methods.keys() == labels.keys() and names == names[:count] * len(methods)
    if not whole or not all(map(_sound, methods.values())):
        raise InputError(f"{poses}: truncated or changed; {fix}")
    return Run(file.parent, results, methods)


def _sound(poses: MethodPoses) -> bool:
    """Return whether errors and true positions are numbers as `write_poses` has them."""
    errors = np.stack([poses.error_t_m, poses.error_r_deg])
    return bool((errors >= 0).all() and (np.abs(poses.true_m) < MOST_M).all())


def _poses(labels: dict[str, Any], rows: list[dict[str, str]]) -> MethodPoses:
    """Return a method's lines of poses.csv with the labels of one of its rows of results.json."""

    def numbers(*keys: str) -> Floats:
        return np.array([[float(row[key] or "nan") for key in keys] for row in rows])

    known: dict[str, Any] = {key: labels[key] for key in LABELS[1:]}
    return MethodPoses(
        **known | {key: numbers(key)[:, 0] for key in (*ERRORS, *NEES)},
        frames=rows,
        sigma=numbers(*SIGMA_COLUMNS),
        predicted_m=numbers("predicted_x_m", "predicted_y_m", "predicted_z_m"),
        true_m=numbers("true_x_m", "true_y_m", "true_z_m"),
        T_cam_world=numbers(*T_CAM_WORLD),
    )
