"""frames.csv of a run: the scored frames and the training frames, and where they were taken."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]  # a selection of frames (N,)
T_CAM_WORLD = tuple(f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
NUMBERS = (*T_CAM_WORLD, "altitude_m", "hfov_deg", "vfov_deg")
COLUMNS = ("split", "name", "sequence", "image", *NUMBERS)  # and one for each tag


class Frames(NamedTuple):
    """N frames of one split."""

    name: list[str]
    sequence: list[str]
    tags: list[dict[str, str]]  # season, date, ...
    image: list[str]  # path
    T_cam_world: Floats  # (N, 7): qw, qx, qy, qz, tx, ty, tz, as in COLMAP
    altitude_m: Floats  # (N,) above the ground; NaN where it is not known
    fov_deg: Floats  # (N, 2) across and down

    @property
    def footprint_m(self) -> Floats:
        """(N,) longer side of the image on level ground, seen from the altitude straight down."""
        return np.asarray(2 * self.altitude_m * np.tan(np.radians(self.fov_deg.max(axis=1)) / 2))

    @property
    def center_m(self) -> Floats:
        """(N, 3) of the cameras, in the world."""
        return centers(self.T_cam_world)


def centers(T_cam_world: Floats) -> Floats:
    """Return camera centers (N, 3) of world-to-camera poses (N, 7): -R(q)^T t."""
    w, v, t = T_cam_world[:, :1], -T_cam_world[:, 1:4], T_cam_world[:, 4:]
    cross = 2 * np.cross(v, t)
    return np.asarray(-(t + w * cross + np.cross(v, cross)))


def write_frames(path: Path, splits: dict[str, Frames]) -> None:
    """Write frames by split, atomically."""
    tags = sorted({tag for frames in splits.values() for labels in frames.tags for tag in labels})
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *tags])
        for split, frames in splits.items():
            numbers = np.column_stack([frames.T_cam_world, frames.altitude_m, frames.fov_deg])
            rows = zip(
                frames.name, frames.sequence, frames.image, numbers, frames.tags, strict=True
            )
            for *texts, values, labels in rows:
                texts += ["" if value != value else f"{value:.12g}" for value in values]
                writer.writerow([split, *texts, *(labels.get(tag, "") for tag in tags)])


def read_frames(path: Path, count: int | None = None) -> dict[str, Frames]:
    """Read what `write_frames` wrote; ``count`` is the number of frames of its first split, where known."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {how_to_renew(path.parent)}") from None
    splits: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        splits.setdefault(row["split"], []).append(row)
    try:
        found = {split: _frames(same) for split, same in splits.items()}
    except (KeyError, TypeError, ValueError):
        found = {}
    if not found or count not in (None, len(next(iter(found.values())).name)):
        raise InputError(f"{path}: truncated or changed; {how_to_renew(path.parent)}")
    return found


def how_to_renew(run: Path) -> str:
    """Return how to renew the files of a run; those of a study under other hints have no checkpoint."""
    if (run / "localizer.ckpt").is_file():
        return f"renew it with `hinted-posenet evaluate checkpoint={run} out={run} overwrite=true`"
    return f"delete {run} and repeat the command that made it"


def _frames(rows: list[dict[str, str]]) -> Frames:
    numbers = np.array([[float(row[key] or "nan") for key in NUMBERS] for row in rows])
    tags = [{tag: row[tag] for tag in row if tag not in COLUMNS and row[tag]} for row in rows]
    name, sequence, image = ([row[key] for row in rows] for key in ("name", "sequence", "image"))
    poses, altitude_m, fov_deg = numbers[:, :7], numbers[:, 7], numbers[:, 8:]
    return Frames(name, sequence, tags, image, poses, altitude_m, fov_deg)
