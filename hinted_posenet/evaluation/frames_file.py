"""frames.csv of a run: the scored frames and the training frames, and where they were taken."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.text import check_row, read_table

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]  # a selection of frames (N,)
T_CAM_WORLD = tuple(f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
NUMBERS = (*T_CAM_WORLD, "altitude_m", "hfov_deg", "vfov_deg")
MOST_M = 2 * COORDINATE_M  # in any direction
LARGE_M = 1e5  # from the origin, as in UTM or ECEF
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

    def at(self, rows: Sequence[int]) -> "Frames":
        """Return some of the frames."""
        name, sequence, image = (
            [part[row] for row in rows] for part in (self.name, self.sequence, self.image)
        )
        tags, chosen = [self.tags[row] for row in rows], list(rows)
        numbers = (part[chosen] for part in (self.T_cam_world, self.altitude_m, self.fov_deg))
        return Frames(name, sequence, tags, image, *numbers)


def centers(T_cam_world: Floats) -> Floats:
    """Return camera centers (N, 3) of world-to-camera poses (N, 7): -R(q)^T t."""
    w, v, t = T_cam_world[:, :1], -T_cam_world[:, 1:4], T_cam_world[:, 4:]
    cross = 2 * np.cross(v, t)
    return np.asarray(-(t + w * cross + np.cross(v, cross)))


def digits_of(T_cam_world: Floats, few: int) -> int:
    """Return how many digits poses (N, 7) are written with: ``few``, or all where the world is large."""
    return few if np.nan_to_num(np.abs(T_cam_world)).max(initial=0.0) < LARGE_M else 17


def write_frames(path: Path, splits: dict[str, Frames]) -> None:
    """Write frames by split, atomically."""
    tags = sorted({tag for frames in splits.values() for labels in frames.tags for tag in labels})
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *tags])
        for split, frames in splits.items():
            digits = digits_of(frames.T_cam_world, 12)
            numbers = np.column_stack([frames.T_cam_world, frames.altitude_m, frames.fov_deg])
            rows = zip(
                frames.name, frames.sequence, frames.image, numbers, frames.tags, strict=True
            )
            for *texts, values, labels in rows:
                texts += ["" if value != value else f"{value:.{digits}g}" for value in values]
                writer.writerow([split, *texts, *(labels.get(tag, "") for tag in tags)])


def read_frames(path: Path) -> dict[str, Frames]:
    """Read what `write_frames` wrote, by split."""
    fix = how_to_renew(path.parent)
    columns, table = read_table(path, fix)
    splits: dict[str, list[dict[str, str]]] = {}
    for where, row in table if set(COLUMNS) <= set(columns) else ():
        check_row(row, where, fix)
        splits.setdefault(row["split"], []).append(row)
    try:
        found = {split: _frames(same) for split, same in splits.items()}
    except ValueError:  # a number that is none
        found = {}
    if not found or not all(np.abs(of.T_cam_world).max() < MOST_M for of in found.values()):
        raise InputError(f"{path}: truncated or changed; {fix}")
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
