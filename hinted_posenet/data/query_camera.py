"""The camera of a query: a given K or focal length, or a file of a calibration.

| file                   | content                                                                |
|------------------------|------------------------------------------------------------------------|
| cameras.txt            | a COLMAP camera: ``id MODEL width height parameters``                   |
| camera-intrinsics.txt  | a 3x3 matrix                                                            |
| transforms.json        | fl_x, fl_y, cx, cy, w, h and the lens, such as k1, k2, p1, p2, k3        |
| .yaml, .yml            | camera_info of ROS 1 or 2, or a calibration that OpenCV wrote (.xml too) |

ROS and OpenCV place the center of the top-left pixel at (0, 0), so 0.5 is added to their principal point. All
else, and a K that is given, has it at (0.5, 0.5).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from defusedxml import ElementTree
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import parse_yaml, read_text, whole_number
from hinted_posenet.data.cameras import (
    Lens,
    check_focal,
    check_lens,
    intrinsics,
    parse_colmap_camera,
    parse_intrinsics_text,
)
from hinted_posenet.data.formats.colmap_text import read_cameras_txt
from hinted_posenet.data.formats.layout import read_json
from hinted_posenet.data.formats.transforms_frames import Listed, frame_camera
from hinted_posenet.data.posed_images import resized_intrinsics
from hinted_posenet.data.poses import numbers

AnyK = Tensor | NDArray[np.floating[Any]] | Sequence[float] | Sequence[Sequence[float]]

CARD = "docs/predict.md"
SKEW = 1e-6  # of a pinhole, relative to its focal length
SAME_ASPECT = 0.01  # relative deviation of the aspect ratios of two images of one camera
OPENCV_MODELS = ("plumb_bob", "rational_polynomial", "")
FISHEYE_MODELS = ("equidistant", "fisheye")
# keys of ROS 1, ROS 2, and files of camera_calibration and OpenCV, for the same things
KEYS = {
    "K": ("camera_matrix", "K", "k", "Camera_Matrix", "cameraMatrix", "camera_intrinsic"),
    "D": ("distortion_coefficients", "D", "d", "Distortion_Coefficients", "distCoeffs"),
    "width": ("image_width", "width", "image_Width"),
    "height": ("image_height", "height", "image_Height"),
}


class QueryCamera(NamedTuple):
    """A camera as it was given, for images of one size or of any."""

    lens: Lens | None  # None where only the focal length is known
    focal_px: float | None = None  # in pixels of the image; its center is the principal point
    size: tuple[int, int] | None = (
        None  # (width, height) that the lens refers to; None: the image's
    )

    def of_image(self, height: int, width: int, where: str = "image") -> Lens:
        """Return the lens in pixels of an image of that size.

        Raises:
            InputError: The image is of another shape than the camera's, or no image of its size has this camera.
        """
        if self.lens is None:
            assert self.focal_px is not None
            lens = Lens(intrinsics(self.focal_px, self.focal_px, width / 2, height / 2), ())
        else:
            lens = self.lens
        if self.size is not None and self.size != (width, height):
            stated_width, stated_height = self.size
            if abs(width * stated_height / (height * stated_width) - 1) > SAME_ASPECT:
                raise InputError(
                    f"{where}: {width} x {height} pixels, the camera has {stated_width} x {stated_height}; give "
                    "the camera of the image as it is shown, or, if EXIF turns it, set as_stored=true"
                )
            K = resized_intrinsics(lens.K, (stated_height, stated_width), (height, width))
            lens = lens._replace(K=K)
        check_lens(lens, (width, height), where)
        return lens


def given_camera(
    K: AnyK | None = None, focal_px: float | None = None, camera_file: Path | str | None = None
) -> QueryCamera | None:
    """Return the camera that a K (3, 3) or (fx, fy, cx, cy), a focal length or a file states; None: none does.

    Raises:
        InputError: More than one is given, or it is no pinhole camera with OpenCV's distortion.
    """
    given = {"K": K, "focal_px": focal_px, "camera_file": camera_file}
    stated = [key for key, value in given.items() if value is not None]
    if len(stated) > 1:
        raise InputError(f"{' and '.join(stated)}: two cameras; give one of them")
    if K is not None:
        return QueryCamera(Lens(checked_intrinsics(K), ()))
    if focal_px is not None:
        check_focal(focal_px)
        return QueryCamera(None, float(focal_px))
    return None if camera_file is None else _read_camera(Path(camera_file))


def checked_intrinsics(K: AnyK, where: str = "K") -> Tensor:
    """Return K (3, 3) float64 of a 3x3 matrix, or of fx, fy, cx, cy.

    Raises:
        InputError: It has another shape, is not finite, or is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] with
            positive focal lengths.
    """
    try:
        matrix = torch.as_tensor(K).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise InputError(f"{where}: expected numbers, got {K}; give fx, fy, cx, cy") from None
    if matrix.shape == (4,):
        fx, fy, cx, cy = matrix.tolist()
        matrix = matrix.new_tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    if matrix.shape == (9,):
        matrix = matrix.reshape(3, 3)
    if matrix.shape != (3, 3):
        raise InputError(
            f"{where}: shape {tuple(matrix.shape)}, expected a 3x3 matrix or fx, fy, cx, cy in pixels"
        )
    fx, fy = matrix[0, 0].item(), matrix[1, 1].item()
    pinhole = torch.tensor([[fx, 0, 0], [0, fy, 0], [0, 0, 1]], dtype=torch.float64)
    pinhole[:2, 2] = matrix[:2, 2]
    if not (matrix.isfinite().all() and (matrix - pinhole).abs().max() <= SKEW * abs(fx)):
        raise InputError(
            f"{where}: {matrix.tolist()}, expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]; correct it"
        )
    if not (fx > 0 and fy > 0):
        raise InputError(f"{where}: focal length {fx:g} {fy:g} px is not positive; correct it")
    return pinhole


def calibrated_camera(
    K: AnyK, coefficients: Any, model: str, size: tuple[int, int] | None, where: str
) -> QueryCamera:
    """Return the camera of a calibration of ROS or OpenCV, for images of a ``size`` (width, height).

    Args:
        K: (3, 3), in whose pixels the center of the top-left one is (0, 0).
        coefficients: Of the distortion, in OpenCV's order; None or any number of them.
        model: ``distortion_model`` of ROS; "" is plumb_bob.
        size: That K refers to; None for that of any image.
        where: The file or message, for errors.

    Raises:
        InputError: It is no pinhole camera with OpenCV's distortion.
    """
    if model not in (*OPENCV_MODELS, *FISHEYE_MODELS):
        raise InputError(
            f"{where}: distortion_model {model[:40]!r}, expected plumb_bob, rational_polynomial or equidistant; "
            "undistort the images"
        )
    matrix = checked_intrinsics(K, where)
    fx, fy, cx, cy = (float(matrix[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    try:
        stated = [] if coefficients is None else np.ravel(coefficients).tolist()
    except ValueError:
        raise InputError(f"{where}: distortion coefficients are no list") from None
    name, count = ("OPENCV_FISHEYE", 4) if model in FISHEYE_MODELS else ("FULL_OPENCV", 8)
    if any(stated[count:]):
        raise InputError(
            f"{where}: {len(stated)} distortion coefficients, expected at most {count}"
        )
    padded = [*stated, *[0.0] * count][:count]
    lens = parse_colmap_camera(name, [fx, fy, cx + 0.5, cy + 0.5, *padded], where)
    return QueryCamera(lens, size=size)


def _read_camera(path: Path) -> QueryCamera:
    """Read a camera in one of the formats in the table above."""
    suffix, where = path.suffix.lower(), f"camera_file={path}"
    if suffix == ".json":
        camera = read_json(path, CARD)
        if not isinstance(camera, dict):
            raise InputError(f"{where}: expected an object with fl_x, fl_y, cx, cy; see {CARD}")
        lens, size = frame_camera(Listed(path, camera, where), path, lambda _: None)
        return QueryCamera(lens, size=size)
    if suffix in (".yaml", ".yml", ".xml"):
        return _read_calibration(path)
    text = read_text(path, f"see {CARD}")
    if [len(line.split()) for line in text.splitlines() if line.strip()] == [3, 3, 3]:
        K = checked_intrinsics(parse_intrinsics_text(text, where), where)
        return QueryCamera(Lens(K, ()))
    cameras = list(read_cameras_txt(path).values())
    if len(cameras) != 1:
        raise InputError(
            f"camera_file={path}: {len(cameras)} cameras, expected one; copy its line into a file of its own"
        )
    return QueryCamera(cameras[0].lens, size=(cameras[0].width, cameras[0].height))


def _read_calibration(path: Path) -> QueryCamera:
    """Read what ROS or OpenCV wrote."""
    where = f"camera_file={path}"
    text = read_text(path, f"see {CARD}")
    if path.suffix.lower() == ".xml":
        content = _parse_xml(text, where)
    else:  # OpenCV's tags, and a colon in its first line, are its own
        text = re.sub(r"\A%YAML:.*|!!opencv-matrix\b", "", text)
        content = parse_yaml(text, where, f"see {CARD}")
    if not isinstance(content, dict):
        raise InputError(f"{where}: expected keys and values; see {CARD}")
    found = {key: _entry(content, names) for key, names in KEYS.items()}
    if found["K"] is None:
        raise InputError(f"{where}: no {' or '.join(KEYS['K'][:2])}; see {CARD}")
    sides = [found[side] for side in ("width", "height") if found[side]]
    if len(sides) == 1:
        raise InputError(f"{where}: width and height are known together; add the other")
    width, height = (whole_number(side, where, 1) for side in sides or (1, 1))
    model = str(content.get("distortion_model") or "")
    return calibrated_camera(
        found["K"], found["D"], model, (width, height) if sides else None, where
    )


def _entry(content: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of the entries; the data of one that states rows, columns and data."""
    for name in names:
        if name in content:
            entry = content[name]
            return entry.get("data") if isinstance(entry, dict) else entry
    return None


def _parse_xml(text: str, where: str) -> dict[str, Any]:
    """Parse OpenCV's XML: numbers, and the data of matrices; its own parser crashes on hostile files."""
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{where}: not valid XML ({error}); see {CARD}") from None
    found: dict[str, Any] = {}
    for element in root:
        data = element.find("data")
        found[element.tag] = (
            element.text if data is None else {"data": numbers((data.text or "").split(), where)}
        )
    return found
