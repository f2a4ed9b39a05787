"""Plain CSV: one row a frame, easy to write by hand; what `hinted-posenet data import` writes."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import CSV_PINHOLE, DISTORTION, Lens, csv_camera, parse_csv_camera
from hinted_posenet.data.formats.layout import (
    SPLITS,
    Frame,
    Views,
    check_split,
    collecting,
    read_lines,
    scene_folder,
    written_as,
)
from hinted_posenet.data.poses import (
    AERIAL_POSE_COLUMNS,
    CSV_POSE_COLUMNS,
    csv_pose,
    numbers,
    parse_csv_pose,
)

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


CONVENTION = (
    "T_world_cam maps points of the camera to the world: tx, ty, tz is the camera's place in metres, qw, qx, qy, "
    "qz its rotation. Camera axes are x right, y down, z forward. Intrinsics are in pixels, the center of the "
    "top-left pixel is (0.5, 0.5); k1, k2, p1, p2, k3 are OpenCV's."
)
COLUMNS = ("name", "split", "sequence", "time_s", *CSV_POSE_COLUMNS)
COLUMNS += (*CSV_PINHOLE, *DISTORTION, "width", "height")


class CsvFormat:
    """images/<name>, frames.csv, manifest.yaml.

    Args:
        origin: what the manifest tells of where the frames and their split are from.
    """

    title = "CSV"
    reads_back = "csv"
    keeps_validation = True

    def __init__(self, origin: Mapping[str, Any] | None = None) -> None:
        self.origin = origin or {"split": {"method": "the source"}}

    def frames(self, views: Views) -> list[Frame]:
        """Names, images and cameras stay as they are."""
        found = []
        for split, view in views:
            name = Path(view.name).as_posix()
            found.append(written_as(split, view, name, Path("images", name), depth=None))
        return found

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """The table, and the manifest with its checksum."""
        tags = sorted({tag for frame in frames for tag in frame.written.tags})
        with (folder / FILE).open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([*COLUMNS, *(f"{TAG}{tag}" for tag in tags)])
            for split, _, view, width, height in frames:
                time_s = "" if view.time_s is None else view.time_s
                camera = csv_camera(Lens(view.K, view.distortion))
                row = [view.name, split, view.sequence, time_s, *csv_pose(view.T_world_cam)]
                row += [*camera, width, height, *(view.tags.get(tag, "") for tag in tags)]
                table.writerow(row)
        counts = Counter(frame.split for frame in frames)
        manifest = {
            "format": "hinted_posenet csv",
            "version": 1,
            **self.origin,
            "counts": {split: counts[split] for split in SPLITS},
            "sha256": {FILE: hashlib.sha256((folder / FILE).read_bytes()).hexdigest()},
            "convention": CONVENTION,
        }
        text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
        (folder / "manifest.yaml").write_text(text, encoding="utf-8")
