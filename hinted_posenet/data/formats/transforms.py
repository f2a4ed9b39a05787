"""transforms.json of nerfstudio: poses, intrinsics and splits in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens, parse_transforms_camera, transforms_camera
from hinted_posenet.data.formats.layout import (
    SPLITS,
    Frame,
    Views,
    check_split,
    collecting,
    read_json,
    scene_folder,
    written_as,
)
from hinted_posenet.data.poses import opengl_matrix, parse_opengl_matrix

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


class TransformsFormat:
    """images/<name>, depth/<name>.png where there is any, transforms.json."""

    title = "transforms.json"
    reads_back = "transforms"
    keeps_validation = True

    def frames(self, views: Views) -> list[Frame]:
        """Images and cameras stay as they are; a name is its path."""
        found = []
        for split, view in views:
            path, depth_path = Path("images", view.name), Path("depth", view.name)
            depth = view.depth and view.depth._replace(image=depth_path.with_suffix(".png"))
            found.append(written_as(split, view, path.as_posix(), path, depth=depth))
        return found

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Intrinsics stand at the top where all frames share them, else in every frame."""
        cameras = [
            {"w": width, "h": height, **transforms_camera(Lens(view.K, view.distortion))}
            for _, _, view, width, height in frames
        ]
        shared = all(camera == cameras[0] for camera in cameras)
        whole: dict[str, Any] = dict(cameras[0]) if shared else {}
        whole["frames"] = [
            {
                "file_path": frame.written.name,
                "transform_matrix": opengl_matrix(frame.written.T_world_cam),
                **({} if shared else camera),
                **_depth(frame.written),
            }
            for frame, camera in zip(frames, cameras, strict=True)
        ]
        for split in SPLITS:
            names = [frame.written.name for frame in frames if frame.split == split]
            if names:
                whole[f"{split}_filenames"] = names
        (folder / FILE).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def _depth(view: View) -> dict[str, str]:
    return {} if view.depth is None else {"depth_file_path": view.depth.image.as_posix()}
