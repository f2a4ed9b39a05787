"""Plain CSV: a table of frames beside their images, and a manifest that tells what the table is."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hinted_posenet.camera_io import CSV_PINHOLE, DISTORTION, Lens, csv_camera
from hinted_posenet.data.reader.csv_frames import FILE, TAG
from hinted_posenet.data.reader.layout import SPLITS
from hinted_posenet.export.frame import Frame, Views, written_as
from hinted_posenet.pose_io import CSV_POSE_COLUMNS, csv_pose

CONVENTION = (
    "T_world_cam maps points of the camera to the world: tx, ty, tz is the camera's place in metres, qw, qx, qy, "
    "qz its rotation. Camera axes are x right, y down, z forward. Intrinsics are in pixels, the centre of the "
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
