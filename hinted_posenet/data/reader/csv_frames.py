"""Plain CSV: one row a frame; what `hinted-posenet data import` writes, and easy to write by hand.

Layout::

    <root>/<scene>/frames.csv      a header and one row a frame, with the columns

        name                               of the image, within images/
        split                              train, val, test or empty; may be missing, then only "all" is there
        sequence                           may be missing: the folder of the image
        time_s                             since the first image of the sequence; may be missing or empty
        T_world_cam_qw ... qx, qy, qz, tx, ty, tz      camera-to-world, so that t is the camera's place; or
        T_cam_world_qw ... qx, qy, qz, tx, ty, tz      world-to-camera, as COLMAP has it
        fx, fy, cx, cy, width, height      pixels; the centre of the top-left pixel is (0.5, 0.5)
        k1, k2, p1, p2, k3                 OpenCV's lens; may be missing or empty
        tag_...                            anything to break results down by, such as tag_season; may be missing

    <root>/<scene>/images/<name>
    <root>/<scene>/manifest.yaml   how the split was made, where `data import` made it; not read

Camera axes are OpenCV's: x right, y down, z forward.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.camera_io import CSV_PINHOLE, DISTORTION, Lens, parse_csv_camera
from hinted_posenet.data.reader.layout import (
    SPLITS,
    check_split,
    collecting,
    read_lines,
    scene_folder,
)
from hinted_posenet.pose_io import AERIAL_POSE_COLUMNS, CSV_POSE_COLUMNS, parse_csv_pose
from hinted_posenet.stated_pose import numbers
from hinted_posenet.types import Fault, InputError, View

CARD = "docs/formats.md"
FILE = "frames.csv"
TAG = "tag_"
REQUIRED = ("name", *CSV_PINHOLE, "width", "height")
OPTIONAL = ("split", "sequence", "time_s", *DISTORTION)
CAMERA = (*CSV_PINHOLE, *DISTORTION, "width", "height")


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Views of one split of a scene, or "all", in the order of the file, see `ReadViews`."""
    check_split(split, "all")
    folder = scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    lines = read_lines(path, CARD)
    reader = csv.DictReader([line.removeprefix("\ufeff") for line in lines])  # Excel's first mark
    columns = tuple(reader.fieldnames or ())
    _check_columns(columns, path)
    if split != "all" and "split" not in columns:
        raise InputError(f"{path}: has no column split; `hinted-posenet data import` makes one")
    cameras: dict[tuple[str, ...], tuple[Lens, tuple[int, int]]] = {}
    seen: dict[str, str] = {}
    images = folder / "images"
    views = []
    for row in reader:
        where = f"{path} line {reader.line_num}"
        with collecting(faults, row["name"] or where):
            _check_row(row, where, seen)
            if split != "all" and row["split"] != split:
                continue
            key = tuple(row.get(column, "") for column in CAMERA)
            if key not in cameras:  # thousands of rows share one
                cameras[key] = parse_csv_camera(row, where), _size(row, where)
            lens, size = cameras[key]
            stated = parse_csv_pose(row, where)
            name = row["name"]
            time_s = row.get("time_s")
            views.append(
                View(
                    name,
                    images / name,
                    stated.T_world_cam,
                    lens.K,
                    sequence=row.get("sequence", name.rpartition("/")[0]),
                    tags={c.removeprefix(TAG): row[c] for c in columns if c.startswith(TAG)},
                    time_s=float(numbers([time_s], where)) if time_s else None,
                    distortion=lens.distortion,
                    size=size,
                    where=where,
                    rotation_error=stated.rotation_error,
                )
            )
    return views


def _check_columns(columns: Sequence[str], path: Path) -> None:
    poses = [set(AERIAL_POSE_COLUMNS), set(CSV_POSE_COLUMNS)]
    pose = poses["T_world_cam_qw" in columns]
    known = {*REQUIRED, *OPTIONAL, *pose}
    wrong = [f"{name} is missing" for name in (*REQUIRED, *sorted(pose)) if name not in columns]
    wrong += [f"{c!r} is not known" for c in columns if c not in known and not c.startswith(TAG)]
    wrong += [f"{c!r} is there twice" for c in columns if columns.count(c) > 1]
    if wrong:
        raise InputError(
            f"{path} line 1: {wrong[0]}; expected columns, with commas between them, as {CARD} tells"
        )


def _check_row(row: dict[str, str], where: str, seen: dict[str, str]) -> None:
    """Fields, name and split of a row; notes the name with its line."""
    if None in row or None in row.values():
        raise InputError(f"{where}: expected as many fields as the header has; correct the line")
    name = row["name"]
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise InputError(f"{where}: name {name!r}, expected an image within images/; correct it")
    if row.get("split", "") not in ("", *SPLITS):
        raise InputError(f"{where}: split {row['split']!r} is none of train, val, test; correct it")
    if name in seen:
        raise InputError(f"{where}: {name} is already on {seen[name]}; remove one of the lines")
    seen[name] = where.rpartition(f"{FILE} ")[2]


def _size(row: dict[str, str], where: str) -> tuple[int, int]:
    """(width, height) in pixels."""
    if not all(row[side].isdigit() and int(row[side]) for side in ("width", "height")):
        raise InputError(
            f"{where}: width {row['width']!r}, height {row['height']!r}, expected pixels; correct them"
        )
    return int(row["width"]), int(row["height"])
