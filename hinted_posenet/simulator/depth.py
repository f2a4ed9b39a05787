"""Depth images: 16-bit PNGs of z along the camera's axis, in a unit that the manifest states."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import torch

from hinted_posenet.geometry import rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.world.world import Raster
from hinted_posenet.simulator.write import encode
from hinted_posenet.types import InputError, Pose

DEPTH_FOLDER = "depth"
UNITS_M = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FARTHEST = 65535  # the largest number of 16 bits


def depth_unit_m(world: World, camera: Camera, poses: Iterable[Pose]) -> float:
    """The finest of `UNITS_M` in which all that these poses may see fits 16 bits."""
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
    """PNG of depth (H, W); 0 where there is no surface (inf)."""
    steps = np.clip(np.rint(depth_m / unit_m), 1, FARTHEST)
    return encode(np.where(np.isfinite(depth_m), steps, 0).astype(np.uint16), ".png")


def depth_file(name: str) -> str:
    """Where the depth of an image ("<flight>/<index>.jpg") lies in its data set."""
    return str(PurePosixPath(DEPTH_FOLDER, name).with_suffix(".png"))


def read_depth(scene: Path, name: str) -> Raster:
    """Depth (H, W) in metres of an image of a data set on disk; inf where there is no surface."""
    unit = json.loads((scene / "manifest.json").read_text())["depth"]
    file = scene / depth_file(name)
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED) if unit and file.is_file() else None
    if image is None or image.dtype != np.uint16:
        raise InputError(f"{file}: no depth image; simulate the scene with depth=png16")
    return np.where(image > 0, image * np.float32(unit["unit_m"]), np.float32(np.inf))
