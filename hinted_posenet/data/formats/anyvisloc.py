"""AnyVisLoc: photos of low-flying drones, each scene with an aerial and a satellite map and heights.

Layout of the release of 2026::

    <root>/<scene>/L01_reference.json    {"scene_id": 1, "scene_name": "Scene_01", "modes": {"aerial": {"map_path",
                                         "map_resolution", "map_origin_local", "dsm_path", "dsm_resolution",
                                         "dsm_origin_local"}, "satellite": {...}}}
    <root>/<scene>/aerial_map.png, aerial_dsm.npy, satellite_map.png, satellite_dsm.npy
    <root>/<scene>/L01_0001.npz          image (H, W, 3) RGB, or else image_relpath; K, dist (5,), pose_c2w (4, 4),
                                         xyz, euler_deg (roll, pitch, yaw), ...
    <root>/<scene>/train.txt, ...        names such as L01_0001.png, see `listed`; the set has no split

The set hides where its scenes are: x is east and y is *south* of the upper left corner of the aerial map, and z
is up from the mean height of its surface, in metres. The world of our views is x east, y north, z up with the
same corner as its origin. ``pose_c2w`` does not say which of these axes its rotation is in, so that it is taken
in those axes in which the scene agrees best with yaw (clockwise from north) and pitch (0 looks straight down)
of ``euler_deg``, as the published programs use them; a frame that does not agree is a fault. K is OpenCV's, in
which the first pixel's center is (0, 0).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import camera_rotation
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Fault, Pose, View
from hinted_posenet.data import npz
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import listed
from hinted_posenet.data.poses import ValidatedPose, numbers, poses_from_matrices

CARD = "datasets/anyvisloc/README.md"
MARKERS = tuple(f"L{number:02d}_reference.json" for number in range(1, 100))
NEEDED = {"K": (3, 3), "dist": (5,), "pose_c2w": (4, 4), "xyz": (3,), "euler_deg": (3,)}
Axes = tuple[NDArray[np.float64], NDArray[np.float64]]
# what turns pose_c2w into our axes: of the world (y to the south; none; y to the south and z down), and of the
# camera (none; those of OpenGL); the likelier first
WORLDS = [np.diag(signs) for signs in ((1.0, -1.0, 1.0), (1.0, 1.0, 1.0), (1.0, -1.0, -1.0))]
CAMERAS = [np.diag(signs) for signs in ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0))]
AXES: list[Axes] = list(product(WORLDS, CAMERAS))
SAMPLED = 50  # samples of a scene that decide on its axes
# fx, fy, cx, cy in K, and what is added: OpenCV counts from the center of the first pixel, we from its corner
PINHOLE = (((0, 0), 0.0), ((1, 1), 0.0), ((0, 2), 0.5), ((1, 2), 0.5))
AGREES_DEG = 15.0  # of the rotation with the angles


class Reference(NamedTuple):
    """A map of a scene and its heights, in files that do not say where they lie."""

    photo: Path  # PNG, north up
    photo_cell_m: tuple[float, float]  # east, north
    photo_corner_m: tuple[float, float]  # west and north edge, in the world of the views
    heights: Path  # .npy (H, W) float, metres in the world of the views
    heights_cell_m: tuple[float, float]
    heights_corner_m: tuple[float, float]


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, see `ReadViews`; "all" has them in the order of their names."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    prefix = _reference_file(folder).name.removesuffix("reference.json")
    files = sorted(
        name
        for name in layout.file_names(folder)
        if name.startswith(prefix) and name.endswith(npz.SUFFIX)
    )
    labels = {f"{name.removesuffix(npz.SUFFIX)}.png": folder / name for name in files}
    axes = _axes_of(list(labels.values()))
    views = []
    for name, path in listed(folder, split, labels, faults):
        with layout.collecting(faults, name):
            layout.check_name(name, str(path))
            views.append(_view(name, path, folder, axes))
    return views


def read_reference(folder: Path, mode: str = "aerial") -> Reference:
    """Read where the map of a scene and its heights are.

    Raises:
        InputError: The scene has no map of that mode, or what it states of it is incomplete.
    """
    path = _reference_file(folder)
    stated = layout.read_json(path, CARD)
    modes = stated.get("modes") if isinstance(stated, dict) else None
    known = modes if isinstance(modes, dict) else {}
    found = known.get(mode)
    if not isinstance(found, dict):
        raise InputError(
            f"{path}: no map {mode!r} among its modes ({', '.join(map(str, known)) or 'none'}); see {CARD}"
        )
    east, south = _pair(found, "map_origin_local", path, mode)
    heights_east, heights_south = _pair(found, "dsm_origin_local", path, mode)  # from the map's
    return Reference(
        _file(found, "map_path", path, mode),
        _cell(found, "map_resolution", path, mode),
        (east, -south),
        _file(found, "dsm_path", path, mode),
        _cell(found, "dsm_resolution", path, mode),
        (east + heights_east, -south - heights_south),
    )


def _reference_file(folder: Path) -> Path:
    return next(folder / marker for marker in MARKERS if (folder / marker).exists())


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Read the label of a sample, and check the shapes."""
    where = str(path)
    arrays = npz.read_arrays(path, (*NEEDED, "image_relpath"))
    for key, shape in NEEDED.items():
        if key not in arrays:
            raise InputError(f"{where}: has no array {key}; fetch the file again, see {CARD}")
        if arrays[key].size != math.prod(shape) or arrays[key].dtype.kind not in "fiu":
            raise InputError(
                f"{where} {key}: {arrays[key].dtype} of shape {arrays[key].shape}, expected numbers {shape}; "
                f"see {CARD}"
            )
    return arrays


def _view(name: str, path: Path, folder: Path, axes: Axes) -> View:
    where, arrays = str(path), _read(path)
    K = numbers(arrays["K"].ravel().tolist(), f"{where} K").reshape(3, 3)
    lens = Lens(
        intrinsics(*(float(K[place]) + add for place, add in PINHOLE)),
        tuple(numbers(arrays["dist"].ravel().tolist(), f"{where} dist").tolist()),
    )
    image, size = _image(path, arrays, folder)
    stated = _pose(arrays, axes, where)
    view = layout.labelled_view(name, image, stated, lens, where, folder.name, size)
    return view._replace(tags={"place": folder.name})


def _image(
    path: Path, arrays: Mapping[str, NDArray[Any]], folder: Path
) -> tuple[Path, tuple[int, int] | None]:
    """Return the file that has the image and its (width, height); the sample itself, mostly."""
    shape = npz.array_shape(path, "image")
    if shape and math.prod(shape):
        return path, npz.image_size(path)
    if "image_relpath" not in arrays:
        raise InputError(f"{path}: has neither image nor image_relpath; fetch it again, see {CARD}")
    name = str(arrays["image_relpath"].reshape(-1)[:1].tolist()[0])
    layout.check_name(name, f"{path} image_relpath")
    return folder / name, layout.folder_sizes(None)(folder / name)


def _angles(arrays: Mapping[str, NDArray[Any]], where: str) -> tuple[NDArray[np.float64], Tensor]:
    """Return the stated rotation (3, 3), and q (2, 4) of the angles, once without and once with the roll."""
    stated = numbers(arrays["pose_c2w"].ravel().tolist(), f"{where} pose_c2w").reshape(4, 4)
    angles = numbers(arrays["euler_deg"].ravel().tolist(), f"{where} euler_deg")
    roll_deg, tilt_deg, yaw_deg = angles.tolist()
    # the set does not say which way a roll turns, and gimbals hardly roll
    return stated[:3, :3].numpy(), camera_rotation(yaw_deg, tilt_deg - 90.0, [0.0, roll_deg])


def _rotation(R: NDArray[np.float64], axes: Axes, where: str) -> ValidatedPose:
    world, camera = axes
    rows = [*np.column_stack([world @ R @ camera, np.zeros(3)]).tolist(), [0.0, 0.0, 0.0, 1.0]]
    (found,) = poses_from_matrices([rows], [f"{where} pose_c2w"])
    if isinstance(found, InputError):
        raise found
    return found


def _axes_of(paths: Sequence[Path]) -> Axes:
    """Return the axes in which the rotations of a scene agree best with their angles."""
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), SAMPLED)).round().astype(int))
    off_deg = dict.fromkeys(range(len(AXES)), 0.0)
    for path in (paths[row] for row in chosen.tolist()):
        try:
            R, expected = _angles(_read(path), str(path))
        except InputError:  # told of when it is that frame's turn
            continue
        for number, axes in enumerate(AXES):
            try:
                found = _rotation(R, axes, str(path)).T_world_cam.q
                off = float(rotation_angle(found, expected).min().rad2deg())
            except InputError:  # mirrored, in these axes
                off = AGREES_DEG
            off_deg[number] += min(off, AGREES_DEG)
    return AXES[min(off_deg, key=off_deg.__getitem__)]


def _pose(arrays: Mapping[str, NDArray[Any]], axes: Axes, where: str) -> ValidatedPose:
    """Return T_world_cam of a sample; refuse a rotation that its angles contradict."""
    east, south, up = numbers(arrays["xyz"].ravel().tolist(), f"{where} xyz").tolist()
    R, expected = _angles(arrays, where)
    found = _rotation(R, axes, where)
    off_deg = float(rotation_angle(found.T_world_cam.q, expected).min().rad2deg())
    if off_deg > AGREES_DEG:
        _, tilt_deg, yaw_deg = arrays["euler_deg"].ravel().tolist()
        raise InputError(
            f"{where} pose_c2w: is {off_deg:.0f} degrees off yaw {yaw_deg:g} and pitch {tilt_deg:g} of euler_deg, "
            f"expected at most {AGREES_DEG:g}; exclude the frame, see {CARD}"
        )
    t = torch.tensor([east, -south, up], dtype=torch.float64)
    return found._replace(T_world_cam=Pose(t, found.T_world_cam.q))


def _file(mode: Mapping[str, Any], key: str, path: Path, name: str) -> Path:
    stated = mode.get(key)
    if not isinstance(stated, str):
        raise InputError(f"{path}: modes.{name}.{key} is {stated!r}, expected a file; see {CARD}")
    layout.check_name(stated, f"{path} modes.{name}.{key}")
    return path.parent / stated


def _pair(mode: Mapping[str, Any], key: str, path: Path, name: str) -> tuple[float, float]:
    stated = mode.get(key, [0.0, 0.0])
    pair: Sequence[Any] = stated if isinstance(stated, list) else []
    if len(pair) < 2:
        raise InputError(
            f"{path}: modes.{name}.{key} is {stated!r}, expected two numbers; see {CARD}"
        )
    first, second = numbers(pair[:2], f"{path} modes.{name}.{key}").tolist()
    return first, second


def _cell(mode: Mapping[str, Any], key: str, path: Path, name: str) -> tuple[float, float]:
    cell = _pair(mode, key, path, name)
    if not min(cell) > 0:
        raise InputError(
            f"{path}: modes.{name}.{key} is {list(cell)}, expected metres a pixel above 0; see {CARD}"
        )
    return cell
