"""The camera models of all formats; each becomes K and OpenCV's k1, k2, p1, p2, k3.

| format                | model                                                              |
|-----------------------|--------------------------------------------------------------------|
| COLMAP camera         | SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV |
| transforms.json       | fl_x, fl_y, cx, cy, w, h and k1, k2, k3, p1, p2, of the file or of a frame |
| camera-intrinsics.txt | 3x3 matrix, beside the sequences of a 7-Scenes layout              |
| NVM camera            | one focal length, the principal point in the middle                |
| CSV row               | fx, fy, cx, cy and k1, k2, p1, p2, k3                              |

All place the center of the top-left pixel at (0.5, 0.5), as we do; 7-Scenes and NVM do not say.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.poses import numbers, row_text


class Lens(NamedTuple):
    """A camera as a View has it."""

    K: Tensor  # (3, 3) float64 pixels
    distortion: tuple[float, ...]  # OpenCV's k1, k2, p1, p2, k3; () is a pinhole


# name -> (number in binary files, its parameters in order)
COLMAP_MODELS: dict[str, tuple[int, str]] = {
    "SIMPLE_PINHOLE": (0, "f cx cy"),
    "PINHOLE": (1, "fx fy cx cy"),
    "SIMPLE_RADIAL": (2, "f cx cy k1"),
    "RADIAL": (3, "f cx cy k1 k2"),
    "OPENCV": (4, "fx fy cx cy k1 k2 p1 p2"),
    "FULL_OPENCV": (6, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
}
TRANSFORMS_PINHOLE = ("fl_x", "fl_y", "cx", "cy")
CSV_PINHOLE = ("fx", "fy", "cx", "cy")
DISTORTION = ("k1", "k2", "p1", "p2", "k3")
UNSUPPORTED = ("k4", "k5", "k6")  # OpenCV's rational terms, and nerfstudio's fourth radial one
SAME_K_PX = 1e-6  # two cameras that differ by less are the same


@lru_cache(1024)
def intrinsics(fx: float, fy: float, cx: float, cy: float) -> Tensor:
    """Return the pinhole matrix K (3, 3) float64 in pixels; it is shared by all images, so never change it."""
    return torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=torch.float64)


def same_camera(first: Tensor, second: Tensor) -> bool:
    """Return whether two K (3, 3) are equal to within `SAME_K_PX`."""
    return bool((first - second).abs().max() < SAME_K_PX)


def parse_colmap_camera(model: str, parameters: Sequence[str | float], where: str) -> Lens:
    """Parse the model name and the parameters of a COLMAP camera."""
    if model not in COLMAP_MODELS:
        raise InputError(
            f"{where}: camera model {model}, expected one of {', '.join(COLMAP_MODELS)}; undistort "
            "the images with `colmap image_undistorter`"
        )
    keys = COLMAP_MODELS[model][1].split()
    if len(parameters) != len(keys):
        raise InputError(
            f"{where}: expected {len(keys)} parameters {' '.join(keys)} of {model}, found "
            f"{len(parameters)}; correct the line"
        )
    found = dict(zip(keys, numbers(parameters, where).tolist(), strict=True))
    if "f" in found:
        found["fx"] = found["fy"] = found["f"]
    return _lens([found[key] for key in CSV_PINHOLE], found, where)


def colmap_camera(lens: Lens) -> tuple[str, list[float]]:
    """Return the simplest of COLMAP's models that can express the lens, and its parameters."""
    k1_to_k3 = lens.distortion
    model = "FULL_OPENCV" if k1_to_k3 and k1_to_k3[4] else "OPENCV" if k1_to_k3 else "PINHOLE"
    extra = [*k1_to_k3, 0.0, 0.0, 0.0] if model == "FULL_OPENCV" else k1_to_k3[:4]
    return model, [*_pinhole(lens.K), *extra]


def parse_transforms_camera(camera: Mapping[str, Any], where: str) -> Lens:
    """Parse the intrinsics among the keys of transforms.json."""
    model = str(camera.get("camera_model", "OPENCV"))
    if model not in COLMAP_MODELS:
        raise InputError(
            f"{where}: camera_model {model}, expected a perspective camera "
            f"({', '.join(COLMAP_MODELS)}); undistort the images"
        )
    missing = [key for key in TRANSFORMS_PINHOLE if key not in camera]
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing; add the intrinsics in pixels")
    return _lens([camera[key] for key in TRANSFORMS_PINHOLE], camera, where)


def transforms_camera(lens: Lens) -> dict[str, float | str]:
    """Return the keys that `parse_transforms_camera` reads."""
    pinhole = dict(zip(TRANSFORMS_PINHOLE, _pinhole(lens.K), strict=True))
    distortion = dict(zip(DISTORTION, lens.distortion, strict=False))  # none for a pinhole
    return {"camera_model": "OPENCV", **pinhole, **distortion}


def parse_csv_camera(row: Mapping[str, str], where: str) -> Lens:
    """Parse the intrinsics of a row of a ``frames.csv``; an empty distortion coefficient is 0."""
    coefficients = {key: row[key] for key in DISTORTION if row.get(key)}
    return _lens([row[key] for key in CSV_PINHOLE], coefficients, where)


def csv_camera(lens: Lens) -> list[float]:
    """Return the numbers of the columns that `parse_csv_camera` reads."""
    return [*_pinhole(lens.K), *(lens.distortion or (0.0,) * len(DISTORTION))]


def parse_intrinsics_text(text: str, where: str) -> Tensor:
    """Parse a 3x3 matrix as text (``camera-intrinsics.txt``) -> K (3, 3)."""
    fields = text.split()
    if len(fields) != 9:
        raise InputError(f"{where}: expected a 3x3 matrix, found {len(fields)} numbers; replace it")
    return numbers(fields, where).reshape(3, 3)


def intrinsics_text(K: Tensor) -> str:
    """Format the text that `parse_intrinsics_text` reads."""
    return "".join(f"{row_text(row)}\n" for row in K.tolist())


def read_nvm_focals(path: Path) -> dict[str, float]:
    """Read the focal lengths in pixels of the cameras of a VisualSFM ``reconstruction.nvm``.

    Keys are the model's image names: .jpg where the Cambridge labels say .png. Only the camera block
    is read, because hundreds of megabytes of points may follow it.
    """
    focals: dict[str, float] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = ((number, line.split()) for number, line in enumerate(file, start=1))
        filled = ((number, fields) for number, fields in lines if fields)
        if next(filled, (0, [""]))[1][0] != "NVM_V3":
            raise InputError(f"{path} line 1: expected NVM_V3; replace the file")
        number, (count, *_) = next(filled, (2, [""]))
        if not count.isdigit():
            raise InputError(f"{path} line {number}: expected the camera count; replace the file")
        for number, fields in islice(filled, int(count)):
            where = f"{path} line {number}"
            if len(fields) != 11:
                raise InputError(
                    f"{where}: expected 11 fields `name focal qw qx qy qz cx cy cz k1 0`, found "
                    f"{len(fields)}; replace the file"
                )
            focal_px = float(numbers(fields[1:2], where))
            if focal_px <= 0:
                raise InputError(f"{where}: focal length {focal_px} px is not positive; correct it")
            focals[fields[0]] = focal_px
    return focals


def _lens(pinhole: Sequence[str | float], coefficients: Mapping[str, Any], where: str) -> Lens:
    """Make a lens from fx, fy, cx, cy and named coefficients; a missing one is 0."""
    fx, fy, cx, cy = numbers(pinhole, where).tolist()
    if not (fx > 0 and fy > 0):
        raise InputError(f"{where}: focal length {fx} {fy} px is not positive; correct it")
    keys = (*DISTORTION, *UNSUPPORTED)
    found = numbers([coefficients.get(key, 0.0) for key in keys], where).tolist()
    of = dict(zip(keys, found, strict=True))
    for key in UNSUPPORTED:
        if of[key]:
            raise InputError(f"{where}: {key} is {of[key]}, not supported; undistort the images")
    distortion = tuple(of[key] for key in DISTORTION)
    return Lens(intrinsics(fx, fy, cx, cy), distortion if any(distortion) else ())


def _pinhole(K: Tensor) -> list[float]:
    """Return fx, fy, cx, cy."""
    pinhole: list[float] = K[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
    return pinhole
