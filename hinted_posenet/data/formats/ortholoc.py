"""OrthoLoC: photos of drones, each with its own cut of an orthophoto and of a surface model.

Layout::

    <root>/<scene>/train/L01_R0000.npz          <scene> is "full" as published
    <root>/<scene>/val/L01_R0014.npz
    <root>/<scene>/test_inPlace/L01_R0012.npz   places of the training
    <root>/<scene>/test_outPlace/L08_R0000.npz  other places

A file is a frame: ``image_query`` (H, W, 3) RGB, ``intrinsics`` (3, 3) as in OpenCV, where the first pixel's
center is (0, 0), ``extrinsics`` (3, 4) world-to-camera, ``extrinsics_refined`` (fitted to the surface model;
not for benchmarks), and its map: ``image_dop`` (1024, 1024, 3), ``dsm`` (1024, 1024, 3) with x, y, z of each
pixel's center. Its name is ``L{place}_{domain}{number}``; domain R has a map of the same survey as the photo,
xDOP an orthophoto of another time, xDOPDSM both of another time. Lenses are undistorted.

The world is the set's own: metres, x along the columns of the map, y against its rows, z up, at a place on
Earth that it does not state. It is taken to be common to the frames of one place; nothing in the files says so.
Both tests are the split "test", told apart by the tag ``set``. There is no prior.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Fault, Pose, View
from hinted_posenet.data import npz
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.poses import ValidatedPose, numbers, poses_from_matrices

CARD = "datasets/ortholoc/README.md"
SETS = {"train": ("train",), "val": ("val",), "test": ("test_inPlace", "test_outPlace")}
MARKERS = SETS["test"]
NAME = re.compile(r"(L\d+)_(xDOPDSM|xDOP|xDSM|R)\d+")
DOMAINS = {"R": "same", "xDOP": "other photo", "xDSM": "other heights", "xDOPDSM": "other map"}
PIXEL_CENTER = 0.5
LAST_ROW = [0.0, 0.0, 0.0, 1.0]


class SampleMap(NamedTuple):
    """The map of one frame, in the world of its pose."""

    photo: NDArray[np.uint8]  # (H, W, 3) RGB, north up
    height_m: NDArray[np.float32]  # (H, W), nan where it is not known
    corner_m: tuple[float, float]  # west and north edge
    cell_m: tuple[float, float]  # east, north


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    location: str | None = None,
    refined: bool = False,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split, in the order of their names, see `ReadViews`.

    ``location``, such as L01, reads the frames of one place; None those of all. ``refined`` takes the poses that
    were fitted to the surface model.
    """
    layout.check_split(split)
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    key = "extrinsics_refined" if refined else "extrinsics"
    samples = []
    for part in SETS[split]:
        for file in sorted(layout.file_names(folder / part)):
            if file.endswith(npz.SUFFIX) and location in (None, _tags(part, file)["place"]):
                name = f"{part}/{file.removesuffix(npz.SUFFIX)}.png"
                with layout.collecting(faults, name):
                    samples.append(_read(name, folder / part / file, key))
    poses = poses_from_matrices(
        [[*sample.T_cam_world, LAST_ROW] for sample in samples],
        [f"{sample.path} {key}" for sample in samples],
    )
    views = []
    for sample, found in zip(samples, poses, strict=True):
        with layout.collecting(faults, sample.name):
            if isinstance(found, InputError):
                raise found
            views.append(_view(sample, found))
    return views


def sample_map(path: Path) -> SampleMap:
    """Read the map in the file of a frame.

    Raises:
        InputError: An array of it is missing, or its coordinates are no map with north up.
    """
    arrays = npz.read_arrays(path, ("image_dop", "dsm"))
    for name in ("image_dop", "dsm"):
        if name not in arrays or arrays[name].ndim != 3 or arrays[name].shape[2] != 3:
            raise InputError(
                f"{path}: expected an array {name} (H, W, 3); fetch it again, see {CARD}"
            )
    photo, points = arrays["image_dop"], arrays["dsm"]
    rows, cols = points.shape[:2]
    if photo.shape != points.shape or photo.dtype != np.uint8 or min(rows, cols) < 2:
        raise InputError(
            f"{path}: image_dop is {photo.dtype} {photo.shape} and dsm {points.shape}, expected uint8 and the "
            f"same shape; fetch it again, see {CARD}"
        )
    corners = numbers(
        [float(value) for place in ((0, 0), (0, -1), (-1, 0)) for value in points[place][:2]],
        f"{path} dsm",
    )
    x, y, x_right, y_right, x_down, y_down = corners.tolist()
    east_m, north_m = (x_right - x) / (cols - 1), (y - y_down) / (rows - 1)
    if not (east_m > 0 and north_m > 0) or abs(y_right - y) > north_m or abs(x_down - x) > east_m:
        raise InputError(
            f"{path} dsm: its corners ({x:g}, {y:g}), ({x_right:g}, {y_right:g}), ({x_down:g}, {y_down:g}) are of "
            f"no map with x to the right and y up; see {CARD}"
        )
    corner_m = x - east_m / 2, y + north_m / 2  # of the pixel, whose center is stated
    return SampleMap(photo, points[..., 2].astype(np.float32), corner_m, (east_m, north_m))


class _Sample(NamedTuple):
    name: str
    path: Path
    size: tuple[int, int]
    lens: Lens
    T_cam_world: list[list[float]]  # 3 rows of 4


def _read(name: str, path: Path, key: str) -> _Sample:
    where = str(path)
    layout.check_name(name, where)
    arrays, size = npz.read_label(path, ("intrinsics", key))
    K = _numbers(arrays, "intrinsics", (3, 3), where)
    T_cam_world = _numbers(arrays, key, (3, 4), where)
    if size is None:
        raise InputError(f"{where}: has no image image_query; fetch the file again, see {CARD}")
    center = K[0, 2] + PIXEL_CENTER, K[1, 2] + PIXEL_CENTER
    lens = Lens(intrinsics(float(K[0, 0]), float(K[1, 1]), *map(float, center)), ())
    return _Sample(name, path, size, lens, T_cam_world.tolist())


def _view(sample: _Sample, found: ValidatedPose) -> View:
    name, path, size, lens, _ = sample
    tags = _tags(path.parent.name, path.name)
    stated = found._replace(T_world_cam=Pose(*invert(*found.T_world_cam)))
    view = layout.labelled_view(name, path, stated, lens, str(path), tags["place"], size)
    return view._replace(tags=tags)


def _numbers(
    arrays: Mapping[str, NDArray[Any]], key: str, shape: tuple[int, int], where: str
) -> NDArray[np.float64]:
    if key not in arrays:
        raise InputError(f"{where}: has no array {key}; fetch the file again, see {CARD}")
    array = arrays[key]
    if array.shape not in (shape, (4, 4)) or array.dtype.kind not in "fiu":
        raise InputError(
            f"{where} {key}: {array.dtype} of shape {array.shape}, expected numbers {shape}; see {CARD}"
        )
    array = array[: shape[0], : shape[1]]
    return numbers(array.ravel().tolist(), f"{where} {key}").reshape(shape).numpy()


def _tags(part: str, file: str) -> dict[str, str]:
    match = NAME.match(file)
    place, domain = match.groups() if match else (file.partition("_")[0], "")
    tags = {"place": place, "set": part}
    return {**tags, "map": DOMAINS[domain]} if domain else tags
