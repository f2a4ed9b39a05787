"""Plain CSV: one row per frame, easy to write by hand; `hinted-posenet data import` writes it."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.text import check_row, read_table, whole_number
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import (
    CSV_OTHER_LENSES,
    CSV_PINHOLE,
    DISTORTION,
    Lens,
    csv_camera,
    parse_csv_camera,
)
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.georeference import KEY
from hinted_posenet.data.poses import CSV_POSE_COLUMNS, csv_pose, numbers, parse_csv_pose
from hinted_posenet.data.priors.frames_columns import PREFIX, prior_columns, prior_parser
from hinted_posenet.simulator.aerial_layout import POSE_COLUMNS

CARD = "docs/formats.md"
FILE = "frames.csv"
TAG = "tag_"
SIZE = ("width", "height")
CAMERA = (*CSV_PINHOLE, *DISTORTION, *SIZE)
# in the written order
COLUMNS = ("name", "split", "sequence", "time_s", *CSV_POSE_COLUMNS, *CAMERA)
OPTIONAL = ("split", "sequence", "time_s", *DISTORTION, *CSV_OTHER_LENSES)
CONVENTION = (
    "T_world_cam maps points of the camera to the world: tx, ty, tz is the camera's place in metres, qw, qx, qy, "
    "qz its rotation. Camera axes are x right, y down, z forward. Intrinsics are in pixels, the center of the "
    "top-left pixel is (0.5, 0.5); k1, k2, p1, p2, k3 are OpenCV's. prior_* is what another sensor says."
)


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, or "all", in the order of the file, see `ReadViews`."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    columns, rows = read_table(path, f"see {CARD}")
    _check_columns(columns, path)
    if split != "all" and "split" not in columns:
        raise InputError(f"{path}: has no column split; `hinted-posenet data import` makes one")
    parse_prior = prior_parser(columns, path)
    cameras: dict[tuple[str, ...], tuple[Lens, tuple[int, int]]] = {}
    seen: dict[str, str] = {}
    images = folder / "images"
    views = []
    for where, row in rows:
        with layout.collecting(faults, row["name"] or where):
            _check_row(row, where, split, seen)
            if split != "all" and row["split"] != split:
                continue
            key = tuple(row.get(column, "") for column in (*CAMERA, *CSV_OTHER_LENSES))
            if key not in cameras:  # thousands of rows share one
                width, height = (whole_number(row[side], f"{where} {side}", 1) for side in SIZE)
                cameras[key] = parse_csv_camera(row, where), (width, height)
            lens, size = cameras[key]
            name, stated = row["name"], parse_csv_pose(row, where)
            sequence, time_s = row.get("sequence"), row.get("time_s")
            view = layout.labelled_view(name, images / name, stated, lens, where, sequence, size)
            view = view._replace(
                tags={c.removeprefix(TAG): row[c] for c in columns if c.startswith(TAG)},
                time_s=float(numbers([time_s], where)) if time_s else None,
                prior=parse_prior(row, where) if parse_prior else None,
            )
            views.append(view)
    return views


def _check_columns(columns: Sequence[str], path: Path) -> None:
    pose = CSV_POSE_COLUMNS if "T_world_cam_qw" in columns else POSE_COLUMNS
    required = ("name", *CSV_PINHOLE, "width", "height", *pose)
    known = {*required, *OPTIONAL}
    wrong = [f"{name} is missing" for name in required if name not in columns]
    wrong += [
        f"{c!r} is not known" for c in columns if c not in known and not c.startswith((TAG, PREFIX))
    ]
    wrong += [f"{c!r} is there twice" for c in columns if columns.count(c) > 1]
    if wrong:
        raise InputError(
            f"{path} line 1: {wrong[0]}; expected the comma-separated columns of {CARD}"
        )


def _check_row(row: dict[str, str], where: str, split: str, seen: dict[str, str]) -> None:
    """Check the fields, name and split of a row, and note the name with its line; "all" needs no split."""
    check_row(row, where)
    name = row["name"]
    known = (*layout.SPLITS, "") if split == "all" else layout.SPLITS
    if row.get("split", known[0]) not in known:
        raise InputError(f"{where}: split {row['split']!r} is none of train, val, test; correct it")
    if name in seen:
        raise InputError(f"{where}: {name} is already on {seen[name]}; remove one of the lines")
    seen[name] = where.rpartition(f"{FILE} ")[2]


class CsvFormat:
    """images/<name>, frames.csv, manifest.yaml, which states the ``origin`` of the frames and of their split."""

    title = "CSV"
    reads_back = "csv"
    keeps_validation = True

    def __init__(self, origin: Mapping[str, Any] | None = None) -> None:
        self.origin = origin or {"split": {"method": "the source"}}

    def placed(self, earth: Origin | None) -> Self:
        """Return this format with the place of the world on Earth, None if it is not known."""
        return type(self)({**self.origin, KEY: earth._asdict()}) if earth else self

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Keep names, images and cameras as they are."""
        found = []
        for split, view in views:
            name = Path(view.name).as_posix()
            found.append(layout.written_as(split, view, name, Path("images", name), depth=None))
        return found

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write the table, and the manifest with its checksum."""
        tags = sorted({tag for frame in frames for tag in frame.written.tags})
        priors, prior_fields = prior_columns([frame.written.prior for frame in frames])
        cameras = [csv_camera(Lens(frame.written.K, frame.written.distortion)) for frame in frames]
        lenses = [column for column in CSV_OTHER_LENSES if any(column in c for c in cameras)]
        with (folder / FILE).open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([*COLUMNS, *lenses, *priors, *(f"{TAG}{tag}" for tag in tags)])
            for (split, _, view, width, height), camera, prior in zip(
                frames, cameras, prior_fields, strict=True
            ):
                time_s = "" if view.time_s is None else view.time_s
                row = [view.name, split, view.sequence, time_s, *csv_pose(view.T_world_cam)]
                row += [camera[column] for column in (*CSV_PINHOLE, *DISTORTION)]
                row += [width, height, *(camera.get(column, "") for column in lenses)]
                table.writerow([*row, *prior, *(view.tags.get(tag, "") for tag in tags)])
        counts = Counter(frame.split for frame in frames)
        manifest = {
            "format": "hinted_posenet csv",
            "version": 1,
            **self.origin,
            "counts": {split: counts[split] for split in layout.SPLITS},
            "sha256": {FILE: hashlib.sha256((folder / FILE).read_bytes()).hexdigest()},
            "convention": CONVENTION,
        }
        text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
        (folder / "manifest.yaml").write_text(text, encoding="utf-8")
