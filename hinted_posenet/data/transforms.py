"""transforms.json, as nerfstudio has it: poses, intrinsics and splits in one file.

Layout::

    <root>/<scene>/transforms.json   {"fl_x", "fl_y", "cx", "cy", "w", "h", "k1", "k2", "k3", "p1", "p2",
                                      "frames": [{"file_path", "transform_matrix"}, ...],
                                      "train_filenames", "val_filenames", "test_filenames": [...]}
    <root>/<scene>/<file_path>

A frame may have intrinsics of its own. The lists of names are needed (val may be missing): without them
nerfstudio takes every n-th frame for the test, neighbours of training frames. The folder of an image is
its sequence. Poses are read as they stand, whatever `applied_transform` was made of them before.
"""

import json
from pathlib import Path
from typing import Any

from hinted_posenet.camera_io import parse_transforms_camera
from hinted_posenet.data.layout import check_split, image_size, scene_folder
from hinted_posenet.pose_io import parse_opengl_matrix
from hinted_posenet.types import InputError, View

CARD = "docs/formats.md"
FILE = "transforms.json"
SPLITS = ("train", "val", "test")


def read_views(root: Path, scene: str, split: str) -> list[View]:
    """Views of one split (train, val or test) of a scene, in the order of its list."""
    check_split(split, SPLITS)
    folder = scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    everything = _read(path)
    shared = {key: value for key, value in everything.items() if key != "frames"}
    names = everything.get(f"{split}_filenames")
    if names is None and split == "val":
        return []
    if names is None:
        raise InputError(f"{path}: {split}_filenames is missing; add the names of that split")
    frames = {frame.get("file_path"): frame for frame in everything["frames"]}
    views = []
    for name in names:
        where = f"{path} {split}_filenames {name}"
        if name not in frames:
            raise InputError(f"{where}: no frame has that file_path; remove the name")
        frame, file = frames[name], folder / name
        if not file.is_file():
            raise InputError(f"{where}: missing image {file}; see {CARD}")
        camera = {**shared, **frame}
        _check_size(file, camera, where)
        lens = parse_transforms_camera(camera, where)
        T_world_cam = parse_opengl_matrix(frame.get("transform_matrix"), where)
        sequence = name.rpartition("/")[0]
        views.append(
            View(name, file, T_world_cam, lens.K, sequence, {}, distortion=lens.distortion)
        )
    return views


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} line {error.lineno}: not valid JSON ({error.msg}); see {CARD}"
        ) from None
    frames = found.get("frames") if isinstance(found, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InputError(f"{path}: expected a list `frames` of objects; see {CARD}")
    return dict(found)


def _check_size(file: Path, camera: dict[str, Any], where: str) -> None:
    """Where the file tells a size, the image has it; else the intrinsics are for other pixels."""
    size = image_size(file)
    said = camera.get("w", size[0]), camera.get("h", size[1])
    if said != size:
        raise InputError(
            f"{where}: the image is {size[0]}x{size[1]}, w and h say {said[0]}x{said[1]}; use the "
            "images that the intrinsics are for"
        )
