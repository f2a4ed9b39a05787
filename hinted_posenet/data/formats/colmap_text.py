"""A COLMAP model as text.

Files::

    cameras.txt   `camera_id MODEL width height parameters...`
    images.txt    `image_id qw qx qy qz tx ty tz camera_id name`, each with a second line of 2-D points, which
                  other software may leave out
    points3D.txt  written empty, never read
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_lines, stream_lines, whole_number
from hinted_posenet.data.cameras import colmap_camera, parse_colmap_camera
from hinted_posenet.data.formats.colmap_model import Camera, Cameras, Image, Row, add_camera
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.poses import QUATERNION_NORM_RANGE, colmap_pose, row_text

CAMERAS_HEADER = "# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]"
IMAGES_HEADER = "# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of 2-D points (none)"
IMAGE = "image_id qw qx qy qz tx ty tz camera_id name"
FIX = "check the model"
NUMBERS = re.compile(r"[-+.0-9eE \t]*")


def read_cameras(path: Path) -> Cameras:
    """Read the cameras of a ``cameras.txt`` by their number."""
    cameras: Cameras = {}
    for number, line in enumerate(read_lines(path, FIX), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where, fields = f"{path} line {number}", line.split()
        if len(fields) < 5:
            raise InputError(
                f"{where}: expected `camera_id MODEL width height parameters...`; correct the line"
            )
        camera_id, width, height = (whole_number(fields[i], where) for i in (0, 2, 3))
        camera: Camera | InputError
        try:
            camera = Camera(parse_colmap_camera(fields[1], fields[4:], where), width, height)
        except InputError as error:
            camera = error
        add_camera(cameras, camera_id, camera, where)
    return cameras


def read_cameras_txt(path: Path) -> dict[int, Camera]:
    """Read the cameras of a ``cameras.txt``, all of which have to be usable."""
    cameras = {}
    for number, camera in read_cameras(path).items():
        if isinstance(camera, InputError):
            raise camera
        cameras[number] = camera
    return cameras


def read_images(path: Path) -> Iterator[Row]:
    """Read the images of an ``images.txt``; note where lines of points are left out.

    Raises:
        InputError: A line is neither an image nor the points of one, or could be both.
    """
    images = without_points = 0
    points_may_follow = False
    for where, line in stream_lines(path, FIX):
        if line.startswith("#"):
            continue
        if points_may_follow and _is_points(line):
            if _is_image(line):
                raise InputError(
                    f"{where}: an image with a number as its name, or the points of the one before; rename it"
                )
            points_may_follow = False
        elif line.strip():
            fields = line.split(maxsplit=9)
            if len(fields) != 10 or not _is_number(fields[8]):
                raise InputError(f"{where}: expected `{IMAGE}`; correct the line")
            without_points += points_may_follow
            images, points_may_follow = images + 1, True
            yield Row(fields[9].strip(), whole_number(fields[8], where), fields[1:8], where)
    if without_points:
        note(f"{path}: {without_points} of {images} images have no line of 2-D points")


def write_text(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
    """Write a model without points."""
    camera_lines, image_lines = [CAMERAS_HEADER], [IMAGES_HEADER]
    for camera_id, (lens, width, height) in cameras.items():
        model, parameters = colmap_camera(lens)
        camera_lines.append(row_text([camera_id, model, width, height, *parameters]))
    for image_id, image in enumerate(images, start=1):
        if len(image.name.split()) != 1:
            raise InputError(
                f"{image.name}: COLMAP's text model ends a name at a space; use format=colmap_binary"
            )
        pose = colmap_pose(image.stated.T_world_cam)
        image_lines += [row_text([image_id, *pose, image.camera_id, image.name]), ""]
    files = {"cameras": camera_lines, "images": image_lines, "points3D": ["# no points"]}
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_points(line: str) -> bool:
    """Return whether a line is empty, or has points ``x y point_id``."""
    return NUMBERS.fullmatch(line) is not None and len(line.split()) % 3 == 0


def _is_image(line: str) -> bool:
    """Return whether a line begins as that of an image does, with a rotation."""
    fields = line.split(maxsplit=9)
    if len(fields) != 10 or not (_is_number(fields[0]) and _is_number(fields[8])):
        return False
    try:
        norm = math.hypot(*map(float, fields[1:5]))
    except ValueError:
        return False
    low, high = QUATERNION_NORM_RANGE
    return low <= norm <= high


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdecimal()
