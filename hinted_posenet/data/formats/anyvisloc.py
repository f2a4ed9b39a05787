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
from contextlib import suppress
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
LAST_ROW = [0.0, 0.0, 0.0, 1.0]
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
    samples = []
    for name, path in listed(folder, split, labels, faults):
        with layout.collecting(faults, name):
            samples.append(_read(name, path, folder))
    if not samples:
        return []
    rotations = _rotations(samples, _axes_of(folder, labels))
    views = []
    for sample, rotation, off_deg in zip(
        samples, rotations, _off_deg(rotations, samples).tolist(), strict=True
    ):
        with layout.collecting(faults, sample.name):
            if isinstance(rotation, InputError):
                raise rotation
            views.append(_view(sample, rotation, off_deg, folder))
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


class _Sample(NamedTuple):
    """What the file of a frame states, in its own axes."""

    name: str
    where: str
    image: Path
    size: tuple[int, int] | None
    lens: Lens
    xyz_m: Tensor  # (3,)
    R: NDArray[np.float64]  # (3, 3)
    euler_deg: tuple[float, ...]  # roll, pitch, yaw


def _read(name: str, path: Path, folder: Path) -> _Sample:
    where = str(path)
    layout.check_name(name, where)
    arrays, size = npz.read_label(path, (*NEEDED, "image_relpath"))
    found = {}
    for key, shape in NEEDED.items():
        array = arrays.get(key)
        if array is None:
            raise InputError(f"{where}: has no array {key}; fetch the file again, see {CARD}")
        if array.size != math.prod(shape) or array.dtype.kind not in "fiu":
            raise InputError(
                f"{where} {key}: {array.dtype} of shape {array.shape}, expected numbers {shape}; see {CARD}"
            )
        found[key] = numbers(array.ravel().tolist(), f"{where} {key}").reshape(shape)
    K, dist = found["K"], tuple(found["dist"].tolist())
    lens = Lens(intrinsics(*(float(K[place]) + add for place, add in PINHOLE)), dist)
    image = path
    if size is None:
        if "image_relpath" not in arrays:
            raise InputError(f"{where}: has neither image nor image_relpath; fetch it, see {CARD}")
        image_name = str(arrays["image_relpath"].reshape(-1)[:1].tolist()[0])
        layout.check_name(image_name, f"{where} image_relpath")
        image = folder / image_name
        size = layout.folder_sizes(None)(image)
    R = found["pose_c2w"][:3, :3].numpy()
    return _Sample(
        name, where, image, size, lens, found["xyz"], R, tuple(found["euler_deg"].tolist())
    )


def _axes_of(folder: Path, labels: Mapping[str, Path]) -> Axes:
    """Return the axes in which the rotations of a scene agree best with their angles."""
    samples = []
    names = list(labels)
    chosen = np.linspace(0, len(names) - 1, min(len(names), SAMPLED)).round().astype(int)
    for name in dict.fromkeys(names[row] for row in chosen.tolist()):
        with suppress(InputError):  # told of when it is that frame's turn
            samples.append(_read(name, labels[name], folder))
    off_deg = [
        _off_deg(_rotations(samples, axes), samples).clip(max=AGREES_DEG).sum() for axes in AXES
    ]
    return AXES[int(np.argmin(off_deg))]


def _rotations(samples: Sequence[_Sample], axes: Axes) -> list[ValidatedPose | InputError]:
    """Return the rotations of samples in our axes, or why one is none."""
    world, camera = axes
    rows = [
        [*np.column_stack([world @ sample.R @ camera, np.zeros(3)]).tolist(), LAST_ROW]
        for sample in samples
    ]
    return poses_from_matrices(rows, [f"{sample.where} pose_c2w" for sample in samples])


def _off_deg(
    rotations: Sequence[ValidatedPose | InputError], samples: Sequence[_Sample]
) -> NDArray[np.float64]:
    """Return the angles (N,) between rotations and the angles stated beside them; inf of what is no rotation."""
    roll_deg, tilt_deg, yaw_deg = (
        np.array([s.euler_deg for s in samples]).reshape(-1, 3, 1).swapaxes(0, 1)
    )
    # the set does not say which way a roll turns, and gimbals hardly roll
    expected = camera_rotation(yaw_deg, tilt_deg - 90.0, np.hstack([0.0 * roll_deg, roll_deg]))
    unknown = torch.full((4,), torch.nan, dtype=torch.float64)
    q = [unknown if isinstance(pose, InputError) else pose.T_world_cam.q for pose in rotations]
    found = rotation_angle(torch.stack(q)[:, None], expected).amin(dim=1).rad2deg().numpy()
    return np.where(np.isnan(found), np.inf, found)


def _view(sample: _Sample, rotation: ValidatedPose, off_deg: float, folder: Path) -> View:
    if off_deg > AGREES_DEG:
        _, tilt_deg, yaw_deg = sample.euler_deg
        raise InputError(
            f"{sample.where} pose_c2w: is {off_deg:.0f} degrees off yaw {yaw_deg:g} and pitch {tilt_deg:g} of "
            f"euler_deg, expected at most {AGREES_DEG:g}; exclude the frame, see {CARD}"
        )
    t = sample.xyz_m * torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    stated = rotation._replace(T_world_cam=Pose(t, rotation.T_world_cam.q))
    view = layout.labelled_view(
        *(sample.name, sample.image, stated, sample.lens, sample.where, folder.name, sample.size)
    )
    return view._replace(tags={"place": folder.name})


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
