"""transforms.json, as nerfstudio has it: poses, intrinsics and splits in one file.

Layout::

    <root>/<scene>/transforms.json   {"fl_x", "fl_y", "cx", "cy", "w", "h", "k1", "k2", "k3", "p1", "p2",
                                      "frames": [{"file_path", "transform_matrix"}, ...],
                                      "train_filenames", "val_filenames", "test_filenames": [...]}
    <root>/<scene>/<file_path>

A frame may have intrinsics of its own. The lists of names are needed (val may be missing): without them
nerfstudio takes every n-th frame for the test, neighbours of training frames. Split "all" needs no list. The
folder of an image is its sequence.

Poses are read as they stand, whatever `applied_transform` was made of them before.
"""

from pathlib import Path
from typing import Any

from hinted_posenet.camera_io import parse_transforms_camera
from hinted_posenet.data.reader.layout import check_split, collecting, read_json, scene_folder
from hinted_posenet.pose_io import parse_opengl_matrix
from hinted_posenet.types import Fault, InputError, View

CARD = "docs/formats.md"
FILE = "transforms.json"


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Views of one split of a scene, in the order of its list, see `ReadViews`; "all" needs no lists."""
    check_split(split, "all")
    folder = scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    everything = _read(path)
    shared = {key: value for key, value in everything.items() if key != "frames"}
    frames = {frame.get("file_path"): frame for frame in everything["frames"]}
    names = list(frames) if split == "all" else everything.get(f"{split}_filenames")
    if names is None and split == "val":
        return []
    if names is None:
        raise InputError(f"{path}: {split}_filenames is missing; add the names of that split")
    views = []
    for name in names:
        where = f"{path} {split}_filenames {name}"
        with collecting(faults, str(name)):
            if name not in frames:
                raise InputError(f"{where}: no frame has that file_path; remove the name")
            camera = {**shared, **frames[name]}
            lens = parse_transforms_camera(camera, where)
            stated = parse_opengl_matrix(camera.get("transform_matrix"), where)
            views.append(
                View(
                    name,
                    folder / name,
                    stated.T_world_cam,
                    lens.K,
                    sequence=name.rpartition("/")[0],
                    tags={},
                    distortion=lens.distortion,
                    size=(int(camera["w"]), int(camera["h"])) if "w" in camera else None,
                    where=where,
                    rotation_error=stated.rotation_error,
                )
            )
    return views


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path, CARD)
    frames = found.get("frames") if isinstance(found, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InputError(f"{path}: expected a list `frames` of objects; see {CARD}")
    return dict(found)
