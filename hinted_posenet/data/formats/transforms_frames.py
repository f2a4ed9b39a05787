"""What the frames of a transforms.json state: the names of their images, and their cameras."""

import math
import posixpath
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import whole_number
from hinted_posenet.core.types import Fault
from hinted_posenet.data.cameras import Lens, parse_transforms_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.resized import Size
from hinted_posenet.data.image_files import SUFFIXES
from hinted_posenet.data.poses import numbers

CARD = "docs/formats.md"


class Listed(NamedTuple):
    """One frame of a file."""

    image: Path  # as the file names it, perhaps without its ending
    keys: dict[str, Any]  # of the frame, and of the file where the frame has none
    where: str


def read_frames(path: Path, faults: list[Fault] | None) -> tuple[dict[str, Listed], dict[str, Any]]:
    """Read the frames of a file by the names of their images, see `frame_name`; and its other keys.

    ``faults`` collects what is wrong with single frames; None raises the first.
    """
    everything = layout.read_json(path, CARD)
    listed = everything.get("frames") if isinstance(everything, dict) else None
    if not isinstance(listed, list) or not all(isinstance(frame, dict) for frame in listed):
        raise InputError(f"{path}: expected a list `frames` of objects; see {CARD}")
    shared = {key: value for key, value in everything.items() if key != "frames"}
    frames: dict[str, Listed] = {}
    for number, frame in enumerate(listed):
        stated, where = frame.get("file_path"), f"{path} frames[{number}]"
        with layout.collecting(faults, stated if isinstance(stated, str) else f"frames[{number}]"):
            name, image = frame_name(stated, where)
            with layout.collecting(faults, name):
                layout.check_new(name, frames, where)
                frames[name] = Listed(path.parent / image, {**shared, **frame}, f"{where} {name}")
    return frames, shared


def frame_name(stated: object, where: str) -> tuple[str, str]:
    """Return the name of a ``file_path``, and where its image is from the folder of the file on.

    The name leaves out what leads out of the folder, "/" and "..", so that it can be a name in another data set.
    """
    if not isinstance(stated, str) or not stated.strip():
        raise InputError(f"{where}: file_path is {stated!r}, expected the path of an image; add it")
    image = posixpath.normpath(stated.replace("\\", "/"))
    name = "/".join(
        part for part in PurePosixPath(image).parts if part.strip("/") not in ("", "..")
    )
    layout.check_name(name, where)
    return name, image


class ImageFiles:
    """Finds images that are named without their ending; each folder is listed once."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str, listed: Listed) -> tuple[str, Path]:
        """Return the name and the file of an image with their ending, as they are if there is no such image."""
        image = listed.image
        if image.suffix.lower() in SUFFIXES:
            return name, image
        endings = sorted(self._endings(image.parent)[image.name])
        if len(endings) > 1:
            raise InputError(
                f"{listed.where}: the image is {' or '.join(endings)}; write the ending into file_path"
            )
        ending = endings[0] if endings else ""
        return name + ending, image.with_name(image.name + ending)

    def _endings(self, folder: Path) -> dict[str, list[str]]:
        """Return the endings of the images in a folder by the rest of their names."""
        if folder not in self._names:
            self._names[folder] = defaultdict(list)
            for file in layout.file_names(folder):
                stem, dot, ending = file.rpartition(".")
                if f"{dot}{ending}".lower() in SUFFIXES:
                    self._names[folder][stem].append(f"{dot}{ending}")
        return self._names[folder]


def frame_camera(
    listed: Listed, image: Path, size_of: Callable[[Path], Size | None]
) -> tuple[Lens, Size | None]:
    """Return the lens of a frame, and the (width, height) that it is for; None where the file does not say.

    ``camera_angle_x`` stands for a focal length, with square pixels and the principal point in the middle where
    the file does not state them. ``size_of`` returns the size of an image as stored, None if it cannot be read.
    """
    keys, where = listed.keys, listed.where
    sides = [key for key in ("w", "h") if keys.get(key) is not None]
    if len(sides) == 1:
        raise InputError(f"{where}: {sides[0]} is there without its other side; add w and h")
    size = None
    if sides:
        size = (whole_number(keys["w"], f"{where} w", 1), whole_number(keys["h"], f"{where} h", 1))
    if "fl_x" in keys or "camera_angle_x" not in keys:
        return parse_transforms_camera(keys, where), size
    size = size or size_of(image)
    if size is None:
        raise InputError(
            f"{where}: camera_angle_x needs the size of {image}, which cannot be read; add w and h"
        )
    width, height = size
    fl_x = _focal_px(keys, "camera_angle_x", width, where)
    fl_y = _focal_px(keys, "camera_angle_y", height, where) if "camera_angle_y" in keys else fl_x
    middle = {"fl_x": fl_x, "fl_y": fl_y, "cx": width / 2, "cy": height / 2}
    return parse_transforms_camera({**middle, **keys}, where), size


def _focal_px(keys: dict[str, Any], key: str, side_px: int, where: str) -> float:
    """Return the focal length of the field of view, in radians, over a side of the image."""
    angle = float(numbers([keys[key]], f"{where} {key}"))
    if not 0 < angle < math.pi:
        raise InputError(f"{where}: {key} is {angle:g}, expected radians between 0 and pi")
    return side_px / (2 * math.tan(angle / 2))
