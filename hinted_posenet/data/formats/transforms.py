"""transforms.json of nerfstudio: poses, intrinsics and splits in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens, parse_transforms_camera, transforms_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.poses import opengl_matrix, parse_opengl_matrix

CARD = "docs/formats.md"
FILE = "transforms.json"


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, in the order of its list; "all" needs no lists, see `ReadViews`."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    everything = layout.read_json(path, CARD)
    listed = everything.get("frames") if isinstance(everything, dict) else None
    if not isinstance(listed, list) or not all(isinstance(frame, dict) for frame in listed):
        raise InputError(f"{path}: expected a list `frames` of objects; see {CARD}")
    shared = {key: value for key, value in everything.items() if key != "frames"}
    frames = {frame.get("file_path"): frame for frame in listed}
    names = list(frames) if split == "all" else everything.get(f"{split}_filenames")
    if names is None and split == "val":
        return []
    if names is None:
        raise InputError(f"{path}: {split}_filenames is missing; add the names of that split")
    views = []
    for name in names:
        where = f"{path} {split}_filenames {name}"
        with layout.collecting(faults, str(name)):
            if name not in frames:
                raise InputError(f"{where}: no frame has that file_path; remove the name")
            camera = {**shared, **frames[name]}
            lens = parse_transforms_camera(camera, where)
            stated = parse_opengl_matrix(camera.get("transform_matrix"), where)
            size = (int(camera["w"]), int(camera["h"])) if "w" in camera else None
            views.append(layout.labelled_view(name, folder / name, stated, lens, where, size=size))
    return views


class TransformsFormat:
    """images/<name>, depth/<name>.png where there is any, transforms.json."""

    title = "transforms.json"
    reads_back = "transforms"
    keeps_validation = True

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Keep images and cameras as they are; a name is its path."""
        found = []
        for split, view in views:
            path, depth_path = Path("images", view.name), Path("depth", view.name)
            depth = view.depth and view.depth._replace(image=depth_path.with_suffix(".png"))
            found.append(layout.written_as(split, view, path.as_posix(), path, depth=depth))
        return found

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write one file; intrinsics are at the top if all frames share them, else in every frame."""
        cameras = [
            {"w": width, "h": height, **transforms_camera(Lens(view.K, view.distortion))}
            for _, _, view, width, height in frames
        ]
        shared = all(camera == cameras[0] for camera in cameras)
        whole: dict[str, Any] = dict(cameras[0]) if shared else {}
        whole["frames"] = [
            {
                "file_path": view.name,
                "transform_matrix": opengl_matrix(view.T_world_cam),
                **({} if shared else camera),
                **({"depth_file_path": view.depth.image.as_posix()} if view.depth else {}),
            }
            for (_, _, view, _, _), camera in zip(frames, cameras, strict=True)
        ]
        whole |= {
            f"{split}_filenames": names for split, names in layout.names_by_split(frames).items()
        }
        (folder / FILE).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
