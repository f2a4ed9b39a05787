"""The camera models of all formats; each becomes K and a `Distortion`.

| format                | model                                                                      |
|-----------------------|----------------------------------------------------------------------------|
| COLMAP camera         | those of `COLMAP_MODELS`                                                   |
| transforms.json       | fl_x, fl_y, cx, cy, w, h and k1 ... of `camera_model`, of the file or of a frame |
| camera-intrinsics.txt | 3x3 matrix, beside the sequences of a 7-Scenes layout                      |
| NVM camera            | one focal length, the principal point in the middle                        |
| CSV row               | fx, fy, cx, cy and k1 ... of `camera_model`, which is OPENCV if not stated |

All place the center of the top-left pixel at (0.5, 0.5), as we do; 7-Scenes and NVM do not say.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.distortion import Distortion, Fisheye
from hinted_posenet.data.poses import numbers, row_text


class Lens(NamedTuple):
    """A camera as a View has it."""

    K: Tensor  # (3, 3) float64 pixels
    distortion: Distortion


# name -> (number in binary files, its parameters in order)
COLMAP_MODELS: dict[str, tuple[int, str]] = {
    "SIMPLE_PINHOLE": (0, "f cx cy"),
    "PINHOLE": (1, "fx fy cx cy"),
    "SIMPLE_RADIAL": (2, "f cx cy k1"),
    "RADIAL": (3, "f cx cy k1 k2"),
    "OPENCV": (4, "fx fy cx cy k1 k2 p1 p2"),
    "FULL_OPENCV": (6, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    "OPENCV_FISHEYE": (5, "fx fy cx cy k1 k2 k3 k4"),
    "SIMPLE_RADIAL_FISHEYE": (8, "f cx cy k1"),
    "RADIAL_FISHEYE": (9, "f cx cy k1 k2"),
    "THIN_PRISM_FISHEYE": (10, "fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1"),
    "SIMPLE_FISHEYE": (14, "f cx cy"),
    "FISHEYE": (15, "fx fy cx cy"),
}
# name -> (number in binary files, how many parameters) of those that cannot be read
OTHER_MODELS = {
    "FOV": (7, 5),
    "RAD_TAN_THIN_PRISM_FISHEYE": (11, 16),
    "SIMPLE_DIVISION": (12, 4),
    "DIVISION": (13, 5),
    "EUCM": (16, 6),
    "EQUIRECTANGULAR": (17, 2),
}
TRANSFORMS_PINHOLE = ("fl_x", "fl_y", "cx", "cy")
CSV_PINHOLE = ("fx", "fy", "cx", "cy")
DISTORTION = ("k1", "k2", "p1", "p2", "k3")
RATIONAL = ("k4", "k5", "k6")  # OpenCV's
PERSPECTIVE = (*DISTORTION, *RATIONAL)  # in OpenCV's order
COEFFICIENTS = tuple(dict.fromkeys((*PERSPECTIVE, *Fisheye._fields)))
MODEL = "camera_model"  # in transforms.json and CSV
CSV_OTHER_LENSES = (MODEL, *(key for key in COEFFICIENTS if key not in DISTORTION))
SAME_K_PX = 1e-6  # two cameras that differ by less are the same
FOCAL_RANGE = (0.05, 100.0)  # over the longer side: 168 degrees to half a degree
MOST_SQUEEZED = 4.0  # of the two focal lengths


@lru_cache(1024)
def intrinsics(fx: float, fy: float, cx: float, cy: float) -> Tensor:
    """Return the pinhole matrix K (3, 3) float64 in pixels; it is shared by all images, so never change it."""
    return torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=torch.float64)


def same_camera(first: Tensor, second: Tensor) -> bool:
    """Return whether two K (3, 3) are equal to within `SAME_K_PX`."""
    return bool((first - second).abs().max() < SAME_K_PX)


def check_lens(lens: Lens, size: tuple[int, int] | None, where: str) -> None:
    """Refuse a camera that no image of ``size`` (width, height) has; None where the size is not known.

    Raises:
        InputError: A number is not finite, a focal length is 0, negative or absurd, or the principal point is
            outside of the image.
    """
    fx, fy, cx, cy = _pinhole(lens.K)
    if not all(map(math.isfinite, (fx, fy, cx, cy, *lens.distortion))):
        raise InputError(
            f"{where}: expected finite numbers, found the camera {row_text([fx, fy, cx, cy, *lens.distortion])}; "
            "correct it"
        )
    if not (fx > 0 and fy > 0):
        raise InputError(f"{where}: focal length {fx:g} {fy:g} px is not positive; correct it")
    if not 1 / MOST_SQUEEZED <= fx / fy <= MOST_SQUEEZED:
        raise InputError(
            f"{where}: focal lengths {fx:g} and {fy:g} px are of no lens; correct them"
        )
    if size is None:
        return
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{where}: images of {width} x {height} pixels; correct the size")
    low, high = (bound * max(size) for bound in FOCAL_RANGE)
    if not (low <= fx <= high and low <= fy <= high):
        raise InputError(
            f"{where}: focal length {fx:g} {fy:g} px, expected {low:g} to {high:g} for images of {width} x "
            f"{height} pixels; state it in pixels of the image"
        )
    if not (0 < cx < width and 0 < cy < height):
        raise InputError(
            f"{where}: principal point ({cx:g}, {cy:g}) is outside of {width} x {height} pixels; state it in "
            "pixels of the image"
        )


def check_focal(focal_px: float | None) -> None:
    """Refuse an option focal_px, a focal length of all images in pixels, that is none; None is not given."""
    if focal_px is not None and not 0 < focal_px < math.inf:
        raise InputError(f"focal_px={focal_px}: expected a length above 0 in pixels of the image")


def parse_colmap_camera(model: str, parameters: Sequence[str | float], where: str) -> Lens:
    """Parse the model name and the parameters of a COLMAP camera."""
    keys = _parameters(model, "camera model", where)
    if len(parameters) != len(keys):
        raise InputError(
            f"{where}: expected {len(keys)} parameters {' '.join(keys)} of {model}, found "
            f"{len(parameters)}; correct the line"
        )
    found = dict(zip(keys, numbers(parameters, where).tolist(), strict=True))
    if "f" in found:
        found["fx"] = found["fy"] = found["f"]
    return _lens(model, [found[key] for key in CSV_PINHOLE], found, where)


def colmap_camera(lens: Lens) -> tuple[str, list[float]]:
    """Return the simplest of COLMAP's models that can express the lens, and its parameters."""
    model, coefficients = _model(lens)
    names = COLMAP_MODELS[model][1].split()[len(CSV_PINHOLE) :]
    return model, [*_pinhole(lens.K), *(coefficients.get(name, 0.0) for name in names)]


def parse_transforms_camera(camera: Mapping[str, Any], where: str) -> Lens:
    """Parse the intrinsics among the keys of transforms.json."""
    model = str(camera.get(MODEL, "OPENCV"))
    if camera.get("is_fisheye"):  # of instant-ngp
        if MODEL in camera and not _is_fisheye(model):
            raise InputError(f"{where}: {MODEL} {model[:40]}, but is_fisheye; remove the wrong one")
        model = model if MODEL in camera else "OPENCV_FISHEYE"
    _parameters(model, MODEL, where)
    missing = [key for key in TRANSFORMS_PINHOLE if key not in camera]
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing; add the intrinsics in pixels")
    return _lens(model, [camera[key] for key in TRANSFORMS_PINHOLE], camera, where)


def transforms_camera(lens: Lens) -> dict[str, float | str]:
    """Return the keys that `parse_transforms_camera` reads."""
    model, coefficients = _model(lens)
    pinhole = dict(zip(TRANSFORMS_PINHOLE, _pinhole(lens.K), strict=True))
    named = "OPENCV" if len(lens.distortion) <= len(DISTORTION) else model  # as nerfstudio expects
    return {MODEL: named, **pinhole, **coefficients}


def parse_csv_camera(row: Mapping[str, str], where: str) -> Lens:
    """Parse the intrinsics of a row of a ``frames.csv``; an empty distortion coefficient is 0."""
    model = row.get(MODEL) or "OPENCV"
    _parameters(model, MODEL, where)
    coefficients = {key: row[key] for key in COEFFICIENTS if row.get(key)}
    return _lens(model, [row[key] for key in CSV_PINHOLE], coefficients, where)


def csv_camera(lens: Lens) -> dict[str, float | str]:
    """Return the columns that `parse_csv_camera` reads; those of `CSV_OTHER_LENSES` where OPENCV has none."""
    model, coefficients = _model(lens)
    camera = dict(zip(CSV_PINHOLE, _pinhole(lens.K), strict=True))
    named = {} if len(lens.distortion) <= len(DISTORTION) else {MODEL: model}
    return {**camera, **dict.fromkeys(DISTORTION, 0.0), **coefficients, **named}


def parse_intrinsics_text(text: str, where: str) -> Tensor:
    """Parse a 3x3 matrix as text (``camera-intrinsics.txt``) -> K (3, 3)."""
    fields = text.split()
    if len(fields) != 9:
        raise InputError(f"{where}: expected a 3x3 matrix, found {len(fields)} numbers; replace it")
    K = numbers(fields, where).reshape(3, 3)
    if not same_camera(K, intrinsics(*_pinhole(K))):
        raise InputError(f"{where}: expected rows `fx 0 cx`, `0 fy cy`, `0 0 1`; replace it")
    check_lens(Lens(K, ()), None, where)
    return K


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


def _parameters(model: str, what: str, where: str) -> list[str]:
    """Return the names of a model's parameters; ``what`` is what the file calls a model."""
    if model in COLMAP_MODELS:
        return COLMAP_MODELS[model][1].split()
    raise InputError(
        f"{where}: {what} {model[:40]!r}, expected one of {', '.join(COLMAP_MODELS)}; undistort the "
        "images, as `colmap image_undistorter` does"
    )


def _is_fisheye(model: str) -> bool:
    return model.endswith("FISHEYE")


def _lens(
    model: str, pinhole: Sequence[str | float], coefficients: Mapping[str, Any], where: str
) -> Lens:
    """Make a lens of a model from fx, fy, cx, cy and named coefficients; a missing one is 0."""
    fx, fy, cx, cy = numbers(pinhole, where).tolist()
    found = numbers([coefficients.get(key, 0.0) for key in COEFFICIENTS], where).tolist()
    of = dict(zip(COEFFICIENTS, found, strict=True))
    # files that are not COLMAP's give OPENCV a third radial coefficient
    known = DISTORTION if model == "OPENCV" else COLMAP_MODELS[model][1].split()
    for key, value in of.items():
        if value and key not in known:
            raise InputError(
                f"{where}: {key} is {value:g}, which {model} does not have; correct {MODEL}, or undistort the "
                "images"
            )
    distortion: Distortion = tuple(of[key] for key in PERSPECTIVE)
    if _is_fisheye(model):
        distortion = Fisheye(**{key: of[key] for key in Fisheye._fields})
    elif not any(of[key] for key in RATIONAL):
        distortion = distortion[: len(DISTORTION)] if any(distortion) else ()
    lens = Lens(intrinsics(fx, fy, cx, cy), distortion)
    check_lens(lens, None, where)
    return lens


def _model(lens: Lens) -> tuple[str, dict[str, float]]:
    """Return the simplest of COLMAP's models that can express the lens, and its coefficients by name."""
    if isinstance(lens.distortion, Fisheye):
        coefficients = lens.distortion._asdict()
        if any(lens.distortion[4:]):
            return "THIN_PRISM_FISHEYE", coefficients
        return "OPENCV_FISHEYE", {key: coefficients[key] for key in ("k1", "k2", "k3", "k4")}
    coefficients = dict(zip(PERSPECTIVE, lens.distortion, strict=False))
    beyond = any(coefficients.get(key) for key in ("k3", *RATIONAL))
    return "FULL_OPENCV" if beyond else "OPENCV" if coefficients else "PINHOLE", coefficients


def _pinhole(K: Tensor) -> list[float]:
    """Return fx, fy, cx, cy."""
    (fx, _, cx), (_, fy, cy), _ = K.tolist()  # of every image: faster than an index
    return [fx, fy, cx, cy]
