"""The layout of an aerial data set: labels, images, depth, and the manifest with its hashes.

This module owns the names of the columns and the format of the manifest; the reader imports them.
"""

import csv
import io
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.text import read_json
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import SPLITS, Station
from hinted_posenet.simulator.partial import differences, sha256_of
from hinted_posenet.simulator.world import Capture, Raster, World

FORMAT, VERSION = "hinted_posenet aerial", 2  # of manifest.json
POSE_COLUMNS = [f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz")]
PRIOR_COLUMNS = [f"prior_{part}" for part in (*POSE_COLUMNS, "sigma_t_m", "sigma_r_deg")]
COLUMNS = ["name", "split", "flight", "season", "date", "solar_hour", "time_s"]
COLUMNS += [*POSE_COLUMNS, *PRIOR_COLUMNS]
FRAME = (
    "ENU, metres, z up; T_cam_world: p_cam = R(q) p_world + t; camera x right, y down, z forward"
)
DEPTH_FOLDER = "depth"
UNITS_M = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FARTHEST = 65535  # the largest number of 16 bits
# packages whose version may change a byte
PACKAGES = ("hinted_posenet", "numpy", "scipy", "opencv-python", "open3d", "rasterio", "torch")


class FrameLabel(NamedTuple):
    """The label of one image."""

    name: str  # "<flight>/<index>.<jpg or png>"
    split: str
    flight: str
    capture: Capture
    station: Station

    def row(self) -> list[str]:
        """Return the line of frames.csv; poses are world-to-camera as in COLMAP, no prior is empty."""
        _, season, date, solar_hour = self.capture
        T_world_cam, time_s, _, hint = self.station
        hour = "" if solar_hour is None else f"{solar_hour:g}"
        prior = [""] * len(PRIOR_COLUMNS)
        if bool(hint.sigma_t_m.isfinite()):
            sigmas = float(hint.sigma_t_m), math.degrees(float(hint.sigma_r_rad))
            prior = [*_world_to_camera(hint.pose), *(f"{sigma:.9g}" for sigma in sigmas)]
        when = [season, date, hour, f"{time_s:.6f}"]
        return [self.name, self.split, self.flight, *when, *_world_to_camera(T_world_cam), *prior]


def _world_to_camera(T_world_cam: Pose) -> list[str]:
    t, q = invert(*T_world_cam)
    return [f"{number:.12g}" for number in [*q.tolist(), *t.tolist()]]


def frames_csv(labels: Iterable[FrameLabel]) -> bytes:
    """Return the content of frames.csv."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(label.row() for label in labels)
    return text.getvalue().encode()


def encode(image: NDArray[Any], suffix: str) -> bytes:
    """Encode an image as .jpg of quality 90 or as .png: (H, W, 3) RGB uint8 or (H, W) uint16."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90] if suffix == ".jpg" else []
    ok, encoded = cv2.imencode(suffix, image, quality)
    if not ok:
        raise RuntimeError(f"an image {image.shape} could not be encoded as {suffix}")
    return encoded.tobytes()


def depth_unit_m(world: World, camera: Camera, poses: Iterable[Pose]) -> float:
    """Return the finest of `UNITS_M` in which 16 bits hold all that these poses may see."""
    outline = torch.from_numpy(camera.outline_rays())
    farthest_m = max(
        float(((world.height_range_m[0] - t[2]) / rotate(q, outline)[:, 2]).max()) for t, q in poses
    )
    for unit_m in UNITS_M:
        if farthest_m < FARTHEST * unit_m:
            return unit_m
    raise InputError(
        f"depth=png16: surface up to {farthest_m:.0f} m away may be seen, which 16 bits do not hold; "
        "fly lower or set depth=none"
    )


def encode_depth(depth_m: Raster, unit_m: float) -> bytes:
    """Encode depth (H, W) as PNG; 0 where there is no surface (inf)."""
    steps = np.clip(np.rint(depth_m / unit_m), 1, FARTHEST)
    return encode(np.where(np.isfinite(depth_m), steps, 0).astype(np.uint16), ".png")


def image_file(name: str) -> str:
    """Return the path of an image ("<flight>/<index>.jpg") within its data set."""
    return f"images/{name}"


def depth_file(name: str) -> str:
    """Return the path of the depth of an image ("<flight>/<index>.jpg") within its data set."""
    return str(PurePosixPath(DEPTH_FOLDER, name).with_suffix(".png"))


def read_depth(scene: Path, name: str) -> Raster:
    """Read the depth (H, W) in metres of an image of a data set; inf where there is no surface."""
    manifest = read_json(scene / "manifest.json", "simulate the scene again")
    unit = manifest.get("depth") if isinstance(manifest, dict) else None
    unit_m = unit.get("unit_m") if isinstance(unit, dict) else None
    file = scene / depth_file(name)
    image = None
    if unit_m and file.is_file() and file.stat().st_size:
        # OpenCV ends the process at a path that is not UTF-8, so it does not open the file itself
        image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16 or unit_m not in UNITS_M:
        raise InputError(f"{file}: no depth image; simulate the scene with depth=png16")
    return np.where(image > 0, image * np.float32(unit_m), np.float32(np.inf))


def make_manifest(
    scene: str,
    world: World,
    camera: Camera,
    labels: Sequence[FrameLabel],
    depth_unit_m: float | None,
    sha256: Mapping[str, str],
    made_from: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of manifest.json.

    ``sha256`` has the hash of every other file by its path; ``made_from`` has seed, recipe, versions.
    """
    places_m = [label.station.T_world_cam.t.tolist() for label in labels]
    groups = group_hashes(sha256)
    depth = {"folder": DEPTH_FOLDER, "unit_m": depth_unit_m, "axis": "camera z", "no_surface": 0}
    return {
        "format": FORMAT,
        "version": VERSION,
        "scene": scene,
        "frame": FRAME,
        "origin": None if world.origin is None else world.origin._asdict(),
        "camera": camera.stated(),
        "depth": depth if depth_unit_m is not None else None,
        "map": {"image": "map.jpg", "bounds_m": list(world.bounds)},
        "counts": {split: sum(label.split == split for label in labels) for split in SPLITS},
        "altitude_m": [round(z - world.terrain_at(x, y), 2) for x, y, z in places_m],
        **made_from,
        "sha256": groups,
        "data_sha256": listing_hash(groups),
    }


def group_hashes(sha256: Mapping[str, str]) -> dict[str, str]:
    """Return one hash a folder, its `listing_hash`, and the hash of each file outside of folders."""
    groups: dict[str, dict[str, str]] = {}
    for path, digest in sha256.items():
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        groups.setdefault(path if folder == "." else folder, {})[name] = digest
    return {
        group: files[group] if group in files else listing_hash(files)
        for group, files in sorted(groups.items())
    }


def listing_hash(sha256: Mapping[str, str]) -> str:
    """Return the hash of the output of ``sha256sum *``."""
    return sha256_of("".join(f"{sha256[n]}  {n}\n" for n in sorted(sha256)).encode())


def versions() -> dict[str, str]:
    """Return the versions of everything that may change a byte."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a source checkout that was not installed
            found[package] = "not installed"
    return found


def comparison(expected: Mapping[str, Any], manifest: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether a data set is the one that its recipe expects, and a line that states it."""
    found, wanted = manifest["data_sha256"], expected["data_sha256"]
    if found == wanted:
        return True, f"data_sha256 {found}: as the recipe expects"
    then, now = dict(expected["versions"]), manifest["versions"]
    changed = [
        f"{name} {then.get(name)} then, {now.get(name)} now" for name in differences(then, now)
    ]
    reason = "; ".join(changed) or "the versions are the same, so a setting or the input differs"
    return False, f"data_sha256 {found}: the recipe expects {wanted} ({reason})"
