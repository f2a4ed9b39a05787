"""The manifest of a data set: what it holds, what it was made from, and its hashes."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Any

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.depth import DEPTH_FOLDER
from hinted_posenet.simulator.flight import SPLITS
from hinted_posenet.simulator.partial import differences, sha256_of
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.write import FrameLabel

FRAME = (
    "ENU, metres, z up; T_cam_world: p_cam = R(q) p_world + t; camera x right, y down, z forward"
)
# what may change a byte
PACKAGES = ("hinted_posenet", "numpy", "scipy", "opencv-python", "open3d", "rasterio", "torch")


def make_manifest(
    scene: str,
    world: World,
    camera: Camera,
    labels: Sequence[FrameLabel],
    depth_unit_m: float | None,
    sha256: Mapping[str, str],
    made_from: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of manifest.json.

    Args:
        scene: name of the data set.
        world: what was flown over.
        camera: that took the images.
        labels: of all images.
        depth_unit_m: of depth images, if there are any.
        sha256: path -> hash of every other file.
        made_from: seed, recipe, versions.
    """
    groups = group_hashes(sha256)
    depth = {"folder": DEPTH_FOLDER, "unit_m": depth_unit_m, "axis": "camera z", "no_surface": 0}
    return {
        "format": "hinted_posenet aerial",
        "version": 2,
        "scene": scene,
        "frame": FRAME,
        "origin": None if world.origin is None else world.origin._asdict(),
        "camera": camera.stated(),
        "depth": depth if depth_unit_m is not None else None,
        "map": {"image": "map.jpg", "bounds_m": list(world.bounds)},
        "counts": {split: sum(label.split == split for label in labels) for split in SPLITS},
        "altitude_m": [round(_altitude_m(world, label), 2) for label in labels],
        **made_from,
        "sha256": groups,
        "data_sha256": listing_hash(groups),
    }


def _altitude_m(world: World, label: FrameLabel) -> float:
    """Of an image, above the terrain below its camera."""
    x_m, y_m, z_m = label.station.T_world_cam.t.tolist()
    return float(z_m - world.terrain_at(x_m, y_m))


def group_hashes(sha256: Mapping[str, str]) -> dict[str, str]:
    """One hash a folder, that of its `listing_hash`, and of each file outside of folders."""
    groups: dict[str, dict[str, str]] = {}
    for path, digest in sha256.items():
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        groups.setdefault(path if folder == "." else folder, {})[name] = digest
    return {
        group: files[group] if group in files else listing_hash(files)
        for group, files in sorted(groups.items())
    }


def listing_hash(sha256: Mapping[str, str]) -> str:
    """The hash of what ``sha256sum *`` prints."""
    return sha256_of("".join(f"{sha256[n]}  {n}\n" for n in sorted(sha256)).encode())


def versions() -> dict[str, str]:
    """Of what may change a byte."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a source checkout that was not installed
            found[package] = "not installed"
    return found


def comparison(expected: Mapping[str, Any], manifest: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a data set is the one that its recipe expects, and a line that says so."""
    found, wanted = manifest["data_sha256"], expected["data_sha256"]
    if found == wanted:
        return True, f"data_sha256 {found}: as the recipe expects"
    then, now = dict(expected["versions"]), manifest["versions"]
    changed = [
        f"{name} {then.get(name)} then, {now.get(name)} now" for name in differences(then, now)
    ]
    reason = "; ".join(changed) or "the versions are the same, so a setting or the input differs"
    return False, f"data_sha256 {found}: the recipe expects {wanted} ({reason})"
