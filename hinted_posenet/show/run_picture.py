"""A picture of a run: where its frames were taken, and the poses that a method predicted for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import length, round_down, short_length
from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.predictions import method_title
from hinted_posenet.evaluation.run_files import Run, read_runs
from hinted_posenet.show.canvas import INK, ErrorScale
from hinted_posenet.show.grounds import Ground, PhotoGround, read_model
from hinted_posenet.show.relief import flat_relief, read_relief
from hinted_posenet.show.stage import Presentation, Stage, counted, scale_bar_beside
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import Points, Wires, frustum_wires, one_colour, pyramids
from hinted_posenet.simulator.world import Bounds

UNKNOWN_FOV_DEG = 60.0  # of cameras without field of view: poses that were scored alone
LEVEL = 0.1  # weight of the mean direction of image columns, against level image rows
TRAINING, GRID = "#8c959f", "#d0d7de"
DRAWN = 80  # frames at most, and twice as many training cameras: more would hide each other
CELLS = 12  # approximate number of cells of the grid along its longer side


class Cameras(NamedTuple):
    """N cameras."""

    T_world_cam: Pose
    slopes: torch.Tensor  # (N, 2) half an image's width and height, over its focal length


class RunPoses(NamedTuple):
    """The content of a picture of a run."""

    method: str
    training: Cameras
    true: Cameras  # N frames that were scored
    predicted: Cameras  # N; NaN where there is no answer
    error_t_m: Floats  # (N,)
    ground_m: float  # median height of the ground below the cameras; 0 where it is not known


def read_run_poses(run: Run, method: str | None = None) -> RunPoses:
    """Those of a method of the run; None takes the network's last refinement step."""
    method = method or run.steps[-1].method
    if method not in run.methods:
        raise InputError(
            f"what.method={method}: {run.folder} has no such method; choose one of "
            f"{', '.join(run.methods)}"
        )
    splits, poses = run.read_frames(), run.methods[method]
    scored = splits[run.results["split"]]
    row_of = {name: row for row, name in enumerate(scored.name)}
    rows = np.array([row_of[frame["name"]] for frame in poses.frames])
    true = _cameras(scored.T_cam_world[rows], scored.fov_deg[rows])
    predicted = _cameras(poses.T_cam_world, scored.fov_deg[rows])
    training = splits.get("train", scored)
    below_m = training.center_m[:, 2] - training.altitude_m
    ground_m = float(np.median(below_m)) if np.isfinite(below_m).all() else 0.0
    known = _cameras(training.T_cam_world, training.fov_deg)
    return RunPoses(method, known, true, predicted, poses.error_t_m, ground_m)


def _cameras(T_cam_world: Floats, fov_deg: Floats) -> Cameras:
    parts = torch.from_numpy(T_cam_world)
    shown_deg = np.nan_to_num(fov_deg, nan=UNKNOWN_FOV_DEG)
    slopes = torch.tan(torch.deg2rad(torch.from_numpy(shown_deg)) / 2)
    return Cameras(Pose(*invert(parts[:, 4:], parts[:, :4])), slopes)


def guessed_up(cameras: Cameras) -> NDArray[np.float64]:
    """Guess up (3,) in a world that does not state it: people and robots hold cameras level.

    So up is perpendicular to the rows of the images, as far as these have several directions, and
    opposite to their columns.
    """
    rows, columns, _ = _axes(cameras)
    down = columns.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows / len(rows) - LEVEL * np.outer(down, down))
    return np.asarray(-axes[:, 0] if axes[:, 0] @ down > 0 else axes[:, 0])


def upright(cameras: Cameras, up: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation (3, 3) that turns a direction (3,) to z, and the cameras' mean view to y.

    So a picture from the south shows the same side of the scene as the cameras.
    """
    z = np.asarray(up, np.float64) / np.linalg.norm(up)
    ahead = _axes(cameras)[2].mean(axis=0)
    ahead += 1e-6 * np.eye(3)[np.abs(z).argmin()]  # should they look straight up or down
    x = np.cross(ahead, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _axes(cameras: Cameras) -> NDArray[np.float64]:
    """Return the directions of image rows, image columns and optical axes (3, N, 3)."""
    q = cameras.T_world_cam.q
    return np.asarray(rotate(q, torch.eye(3, dtype=q.dtype)[:, None]))


def run_stage(run: Run, poses: RunPoses, ground: Ground | None, turn: Floats) -> Stage:
    """Set all cameras in a world that is rotated by ``turn`` (3, 3) so that z is up."""
    answered = np.isfinite(poses.error_t_m)
    if not answered.any():
        raise InputError(f"what.method={poses.method}: it answered no frame; choose another method")
    places = np.concatenate([poses.training.T_world_cam.t, poses.true.T_world_cam.t])
    size_m = float(0.03 * np.ptp(places, axis=0).max()) or 1.0  # of frusta; if all are at one place
    training = pyramids(*poses.training, 0.6 * size_m) @ turn.T
    true, predicted = (pyramids(*of, size_m) @ turn.T for of in (poses.true, poses.predicted))
    frames = np.flatnonzero(answered)
    frames = frames[:: -(-len(frames) // DRAWN)]
    cameras = training[:: -(-len(training) // (2 * DRAWN))]
    scale = ErrorScale.of(poses.error_t_m)
    colours = scale.colours(poses.error_t_m[frames])
    gaps = np.stack([true[frames, 0], predicted[frames, 0]], axis=1)
    casing = "white" if ground else None
    wires = [
        frustum_wires("training", cameras, TRAINING, 1.0),
        frustum_wires("true", true[frames], INK, 2.0),
        Wires("error", gaps, colours, 2.0, casing),
        frustum_wires("predicted", predicted[frames], colours, 2.0),
    ]
    legend = [
        (TRAINING, counted("training", len(training), len(cameras))),
        (INK, counted("true", len(true), len(frames))),
    ]
    if ground is None:
        grid, cell_m = floor_grid(np.concatenate([training, true]))
        wires.insert(0, grid)
        legend.append((GRID, f"grid of {short_length(cell_m)}"))
    scale_bar = scale_bar_beside(ground.corners()) if ground else None
    return Stage(*_texts(run, poses), ground, wires, legend, scale, scale_bar)


def floor_grid(outlines: Points) -> tuple[Wires, float]:
    """Return a level grid just below cameras (N, 5, 3), and the side of its cells in m."""
    low, high = outlines.min(axis=(0, 1)), outlines.max(axis=(0, 1))
    cell_m = round_down((high - low)[:2].max() / CELLS)
    first, last = np.floor(low / cell_m)[:2] - 1, np.ceil(high / cell_m)[:2] + 1
    z_m = low[2] - cell_m / 2
    lines = []
    for axis in (0, 1):
        for step in np.arange(first[axis], last[axis] + 1):
            ends = np.array([[*first, 0.0], [*last, 0.0]]) * cell_m
            ends[:, axis], ends[:, 2] = step * cell_m, z_m
            lines.append(ends)
    return Wires("grid", np.array(lines), one_colour(GRID, len(lines)), 1.0), cell_m


def _texts(run: Run, poses: RunPoses) -> tuple[str, str]:
    """Return title and subtitle."""
    rows = {(row["group"], row["method"]): row for row in run.results["rows"]}
    row = rows["all", poses.method]
    title = method_title(poses.method, row["step"])
    network = f"{run.title}, " if row["step"] is not None else ""
    answered = np.isfinite(poses.error_t_m)
    parts = [
        f"median error {length(row['median_t_m'])}, {row['median_r_deg']:.1f}°",
        f"largest {length(poses.error_t_m[answered].max())}",
        f"{len(poses.error_t_m)} {run.results['split']} frames",
        f"seed {run.results['seed']}",
    ]
    if not answered.all():
        parts.append(f"no answer to {(~answered).sum()} of them")
    return f"{run.results['data']['scene']}: {network}{title}", "; ".join(parts)


@dataclass
class RunPicture(Presentation):
    """Training cameras and true and predicted frusta, coloured by error, over a ground.

    The ground is a model if one is given; for an aerial run, the surface of the recipe's world if the
    scenes agree, or else the flat map of its results; otherwise a grid below the cameras. Configs of group
    ``what`` explain the settings.
    """

    file: ClassVar[str] = "run.png"
    run: str | None = None
    method: str | None = None
    model: str | None = None
    up: Sequence[float] | None = None
    surface: bool = True
    when: str | None = None
    vertices: int = 1_000_000
    photo_px: int = 2048

    def __post_init__(self) -> None:
        """Refuse an ``up`` that is no direction."""
        if self.up is not None and not (len(self.up) == 3 and np.linalg.norm(self.up) > 0):
            raise InputError(f"what.up: expected [x, y, z], got {list(self.up)}")

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; reads the run, and the recipe's world if the scenes agree."""
        self.check(path)
        if self.run is None:
            raise InputError("what=run: give run=FOLDER of a finished run")
        run = read_runs([Path(self.run)])[0]
        poses = read_run_poses(run, self.method)
        overview = run.results["map"]  # an aerial run's
        ground: Ground | None = None
        turn = np.eye(3)
        if not overview:
            turn = upright(poses.training, self.up or guessed_up(poses.training))
        if self.model is not None:
            ground = read_model(Path(self.model), turn)
        elif overview:
            bounds, image = Bounds(*overview["bounds_m"]), Path(overview["image"])
            if self.surface and run.results["data"]["scene"] == subject.scene:
                world = subject._replace(root=image.parents[1]).world_of_views()
                relief = read_relief(world, self.when, None, self.vertices, self.photo_px)
            else:
                relief = flat_relief(image, bounds, poses.ground_m)
            ground = PhotoGround(relief)
        self.present(run_stage(run, poses, ground, turn), path, subject.threads)
