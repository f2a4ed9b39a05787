"""The stage of a run: training cameras, true and predicted frusta, the errors between them."""

import numpy as np

from hinted_posenet.report.frames import Floats
from hinted_posenet.report.runs import Run
from hinted_posenet.report.table import length
from hinted_posenet.show.canvas import INK, round_length
from hinted_posenet.show.error_scale import ErrorScale
from hinted_posenet.show.frusta import Points
from hinted_posenet.show.ground import Ground
from hinted_posenet.show.map import scale_bar
from hinted_posenet.show.ruler import ruler_beside
from hinted_posenet.show.run_poses import RunPoses
from hinted_posenet.show.stage import Stage, counted
from hinted_posenet.show.wires import Wires, frustum_wires, one_colour
from hinted_posenet.types import InputError

TRAINING, GRID = "#8c959f", "#d0d7de"
DRAWN = 80  # frames at most, and twice as many training cameras: more would hide each other
CELLS = 12  # of the grid, about, along its longer side


def run_stage(run: Run, poses: RunPoses, ground: Ground | None, turn: Floats) -> Stage:
    """All of it in a world that is turned (3, 3) so that z is up."""
    answered = np.isfinite(poses.error_t_m)
    if not answered.any():
        raise InputError(f"what.method={poses.method}: it answered no frame; choose another method")
    size_m = frustum_size_m(poses)
    training = poses.training.outlines(0.6 * size_m) @ turn.T
    true, predicted = (
        cameras.outlines(size_m) @ turn.T for cameras in (poses.true, poses.predicted)
    )
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
        legend.append((GRID, f"grid of {round_length(cell_m)}"))
    ruler = ruler_beside(ground.corners()) if ground else None
    texts = _title(run, poses), _subtitle(run, poses)
    return Stage(*texts, ground, wires, legend, scale, ruler)


def frustum_size_m(poses: RunPoses) -> float:
    """How long frusta are drawn: a share of how far the cameras are spread."""
    places = np.concatenate([poses.training.T_world_cam.t, poses.true.T_world_cam.t])
    return float(0.03 * np.ptp(places, axis=0).max()) or 1.0  # all at one place


def floor_grid(outlines: Points) -> tuple[Wires, float]:
    """A level grid just below cameras (N, 5, 3), and the length of its cells in m."""
    low, high = outlines.min(axis=(0, 1)), outlines.max(axis=(0, 1))
    cell_m = scale_bar(4 * (high - low)[:2].max() / CELLS)
    first, last = np.floor(low / cell_m)[:2] - 1, np.ceil(high / cell_m)[:2] + 1
    z_m = low[2] - cell_m / 2
    lines = []
    for axis in (0, 1):
        for step in np.arange(first[axis], last[axis] + 1):
            ends = np.array([[*first, 0.0], [*last, 0.0]]) * cell_m
            ends[:, axis], ends[:, 2] = step * cell_m, z_m
            lines.append(ends)
    return Wires("grid", np.array(lines), one_colour(GRID, len(lines)), 1.0), cell_m


def _title(run: Run, poses: RunPoses) -> str:
    network = f"{run.title}, " if poses.method.startswith("pass ") else ""
    return f"{run.results['data']['scene']}: {network}{poses.method}"


def _subtitle(run: Run, poses: RunPoses) -> str:
    row = next(
        row for row in run.results["rows"] if (row["group"], row["method"]) == ("all", poses.method)
    )
    answered = np.isfinite(poses.error_t_m)
    parts = [
        f"median error {length(row['median_t_m'])}, {row['median_r_deg']:.1f}°",
        f"largest {length(poses.error_t_m[answered].max())}",
        f"{len(poses.error_t_m)} {run.results['split']} frames",
        f"seed {run.results['seed']}",
    ]
    if not answered.all():
        parts.append(f"no answer to {(~answered).sum()} of them")
    return "; ".join(parts)
