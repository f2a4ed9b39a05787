"""Writes an aerial data set: the layout that `hinted_posenet.data.aerial` reads.

    <root>/<scene>/manifest.json   camera, bounds, origin, counts, recipe, versions
    <root>/<scene>/frames.csv      one line an image: name, split, flight, when, T_cam_world, prior
    <root>/<scene>/images/<flight>/<index>.jpg
    <root>/<scene>/map.jpg         the world from above, north up

Everything goes to ``<root>/.<scene>.partial`` first and is renamed at the end, so that a killed run
leaves nothing under the final name.
"""

import csv
import json
import math
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from hinted_posenet.geometry import invert
from hinted_posenet.simulator.flight import Station
from hinted_posenet.simulator.world import Epoch
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import InputError, Pose

POSE_COLUMNS = [f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz")]
PRIOR_COLUMNS = [*(f"prior_{column}" for column in POSE_COLUMNS), "prior_sigma_t_m"]
PRIOR_COLUMNS += ["prior_sigma_r_deg"]
COLUMNS = ["name", "split", "flight", "season", "date", "solar_hour", "time_s"]
COLUMNS += [*POSE_COLUMNS, *PRIOR_COLUMNS]


class FrameLabel(NamedTuple):
    """What is known of one image."""

    name: str  # "<flight>/<index>.<jpg or png>"
    split: str
    flight: str
    epoch: Epoch
    station: Station

    def row(self) -> list[str]:
        """The line of frames.csv; poses are world-to-camera as in COLMAP, no prior is empty."""
        _, season, date, solar_hour = self.epoch
        hour = "" if solar_hour is None else f"{solar_hour:g}"
        when = [season, date, hour, f"{self.station.time_s:.6f}"]
        prior = [""] * len(PRIOR_COLUMNS)
        if bool(self.station.prior.sigma_t.isfinite()):
            sigma_r_deg = math.degrees(float(self.station.prior.sigma_r))
            sigmas = [f"{float(self.station.prior.sigma_t):.9g}", f"{sigma_r_deg:.9g}"]
            prior = [*_world_to_camera(self.station.prior.pose), *sigmas]
        pose = _world_to_camera(self.station.T_world_cam)
        return [self.name, self.split, self.flight, *when, *pose, *prior]


def _world_to_camera(T_world_cam: Pose) -> list[str]:
    t, q = invert(*T_world_cam)
    return [f"{number:.12g}" for number in [*q.tolist(), *t.tolist()]]


class DatasetWriter:
    """Context manager: add images, then `finish`; until then there is no final name."""

    def __init__(self, root: Path, scene: str, overwrite: bool = False) -> None:
        if not scene or Path(scene).name != scene or scene.startswith("."):
            raise InputError(f"scene: expected a plain folder name, got {scene!r}")
        self.folder, self.partial = root / scene, root / f".{scene}.partial"
        if self.folder.exists() and not overwrite:
            raise InputError(f"{self.folder}: exists already; set overwrite=true or another scene=")

    def __enter__(self) -> Self:
        """Start from an empty partial folder, whatever a killed run left."""
        shutil.rmtree(self.partial, ignore_errors=True)
        (self.partial / "images").mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what an error or interrupt left."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def add(self, name: str, rgb: Rgb) -> None:
        """Write one image (H, W, 3)."""
        write_image(self.partial / "images" / name, rgb)

    def finish(self, labels: list[FrameLabel], map_rgb: Rgb, manifest: dict[str, Any]) -> Path:
        """Write the tables and give the data set its final name."""
        write_image(self.partial / "map.jpg", map_rgb)
        with (self.partial / "frames.csv").open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(COLUMNS)
            table.writerows(label.row() for label in labels)
        (self.partial / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        replaced = self.folder.with_name(f".{self.folder.name}.replaced")
        if self.folder.exists():  # kept until the new one has its name
            shutil.rmtree(replaced, ignore_errors=True)
            self.folder.rename(replaced)
        self.partial.rename(self.folder)
        shutil.rmtree(replaced, ignore_errors=True)
        return self.folder


def write_image(path: Path, rgb: Rgb) -> None:
    """Write (H, W, 3) RGB as JPEG of quality 90 or as PNG, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, encoded = cv2.imencode(
        path.suffix, np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90]
    )
    if not ok:
        raise RuntimeError(f"{path}: could not be encoded")
    path.write_bytes(encoded.tobytes())
