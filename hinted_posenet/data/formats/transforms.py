"""transforms.json of nerfstudio, instant-ngp and NeRF's synthetic scenes: poses, intrinsics and splits.

Layout::

    <root>/<scene>/transforms.json         frames of all splits; train_filenames, val_filenames, test_filenames
    <root>/<scene>/transforms_train.json   or else the frames of one split, also _val and _test
    <root>/<scene>/images/0001.png         as ``file_path`` of a frame says

``file_path`` may have backslashes, and no ending where one image has that name. It may lead out of the folder, as
"../images/0001.png" does; the name of the frame is without that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens, transforms_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.formats.resized import StoredCameras
from hinted_posenet.data.formats.transforms_frames import (
    ImageFiles,
    Listed,
    frame_camera,
    frame_name,
    read_frames,
)
from hinted_posenet.data.poses import opengl_matrix, parse_opengl_matrix

CARD = "docs/formats.md"
FILE = "transforms.json"
SPLIT_FILES = {split: f"transforms_{split}.json" for split in layout.SPLITS}


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, in the order of its list; "all" needs no lists, see `ReadViews`."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, FILE, CARD, *SPLIT_FILES.values())
    images, cameras = ImageFiles(), StoredCameras()
    views, scales = [], []
    for stated_name, listed in _wanted(folder, split, faults):
        with layout.collecting(faults, stated_name):
            name, image = images.find(stated_name, listed)
            pose = parse_opengl_matrix(
                listed.keys.get("transform_matrix"), listed.where, scaled=True
            )
            lens, size = frame_camera(listed, image, cameras.size_of)
            lens, size = cameras.fit(image, lens, size)
            views.append(layout.labelled_view(name, image, pose, lens, listed.where, size=size))
            scales += [pose.scale] if pose.scale != 1 else []
    cameras.report(folder)
    if scales:
        note(
            f"{folder}: the axes of {len(scales)} cameras ({split}) are {min(scales):.3g} to {max(scales):.3g} "
            "long; only their directions are used"
        )
    return views


def splits_of(folder: Path) -> tuple[str, ...]:
    """Return the splits that a scene states, or ("all",) if it states none or cannot be read."""
    found = {split for split, file in SPLIT_FILES.items() if (folder / file).is_file()}
    if (folder / FILE).is_file():
        try:
            keys = layout.read_json(folder / FILE, CARD)
        except InputError:  # whoever reads it says why
            keys = {}
        found |= {split for split in layout.SPLITS if f"{split}_filenames" in keys}
    return tuple(split for split in layout.SPLITS if split in found) or ("all",)


def _wanted(folder: Path, split: str, faults: list[Fault] | None) -> Iterator[tuple[str, Listed]]:
    """Yield the frames of a split, each with its name."""
    whole = folder / FILE
    if whole.is_file():
        broken: list[Fault] = []
        frames, keys = read_frames(whole, None if faults is None else broken)
        names = keys.get(f"{split}_filenames")
        lists = [part for part in layout.SPLITS if f"{part}_filenames" in keys]
        if faults is not None and split in ("all", *lists[:1]):  # once, where no list names them
            faults += (fault for fault in broken if split == "all" or fault.name not in frames)
        if split == "all":
            yield from frames.items()
            return
        if names is not None:
            twice = {fault.name: fault for fault in broken if fault.name in frames}
            yield from _chosen(frames, twice, names, f"{whole} {split}_filenames", faults)
            return
    files = [
        folder / file
        for part, file in SPLIT_FILES.items()
        if split in (part, "all") and (folder / file).is_file()
    ]
    if not files and split != "val":
        raise InputError(f"{whole}: {split}_filenames is missing; add the names of that split")
    found: set[str] = set()
    for file in files:
        frames, _ = read_frames(file, faults)
        for name, listed in frames.items():
            with layout.collecting(faults, name):
                layout.check_new(name, found, listed.where)
                found.add(name)
                yield name, listed


def _chosen(
    frames: Mapping[str, Listed],
    twice: Mapping[str, Fault],
    names: object,
    where: str,
    faults: list[Fault] | None,
) -> Iterator[tuple[str, Listed]]:
    """Yield the frames of a list of names, in its order; those that are there ``twice`` are faults."""
    if not isinstance(names, list):
        raise InputError(f"{where}: expected a list of file_paths; correct it")
    found: set[str] = set()
    for number, stated in enumerate(names):
        with layout.collecting(faults, str(stated)):
            name, _ = frame_name(stated, f"{where}[{number}]")
            layout.check_new(name, found, f"{where}[{number}]")
            found.add(name)
            if name not in frames:
                raise InputError(f"{where}[{number}]: no frame has the file_path {name}; remove it")
            if name in twice:
                raise InputError(twice[name].message)
            yield name, frames[name]


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
