"""COLMAP's sparse model, as text and as binary: its cameras and its images, without the 3-D points.

Only what localization needs is read; the points of a model may be gigabytes. Files::

    cameras.txt   `camera_id MODEL width height parameters...`
    images.txt    `image_id qw qx qy qz tx ty tz camera_id name`, each with a second line of 2-D points
    points3D.txt  written empty
    *.bin         the same in binary, little-endian; preferred where both are there
"""

import os
import struct
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault
from hinted_posenet.data.cameras import COLMAP_MODELS, Lens, colmap_camera, parse_colmap_camera
from hinted_posenet.data.formats.layout import collecting
from hinted_posenet.data.poses import ValidatedPose, colmap_pose, parse_colmap_pose, row_text

COUNT, CAMERA, IMAGE = struct.Struct("<Q"), struct.Struct("<iiQQ"), struct.Struct("<i7di")
CHARACTER = struct.Struct("c")
POINT_2D_BYTES = 24  # x, y, and the number of the 3-D point


class Camera(NamedTuple):
    """One camera of a model."""

    lens: Lens
    width: int  # pixels
    height: int


class Image(NamedTuple):
    """One posed image of a model."""

    name: str  # relative to the folder of images
    camera_id: int
    stated: ValidatedPose
    where: str = ""  # file and line, or number in a binary file


def read_model(
    folder: Path, names: Container[str] | None, faults: list[Fault] | None = None
) -> tuple[dict[int, Camera], dict[str, Image]]:
    """Cameras by their number, and images by name.

    Args:
        folder: of the model.
        names: the images to read; None reads all.
        faults: takes what is wrong with single images; None raises the first.
    """
    if (folder / "images.bin").is_file():
        try:
            cameras = _read_cameras_bin(folder / "cameras.bin")
            images = list(_read_images_bin(folder / "images.bin", names, faults))
        except struct.error:
            raise InputError(
                f"{folder}: cameras.bin or images.bin is cut off; copy it again"
            ) from None
    else:
        cameras = read_cameras_txt(folder / "cameras.txt")
        images = list(_read_images_txt(folder / "images.txt", names, faults))
    return cameras, {image.name: image for image in images}


def write_model(
    folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image], binary: bool
) -> None:
    """Write a model without points; image numbers count from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    if binary:
        _write_bin(folder, cameras, images)
    else:
        _write_txt(folder, cameras, images)


def read_cameras_txt(path: Path) -> dict[int, Camera]:
    """Cameras of a ``cameras.txt`` by their number."""
    cameras = {}
    for where, line in _lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 5 or not all(fields[i].isdigit() for i in (0, 2, 3)):
            raise InputError(
                f"{where}: expected `camera_id MODEL width height parameters...`; correct the line"
            )
        lens = parse_colmap_camera(fields[1], fields[4:], where)
        cameras[int(fields[0])] = Camera(lens, int(fields[2]), int(fields[3]))
    return cameras


def _read_images_txt(
    path: Path, names: Container[str] | None, faults: list[Fault] | None
) -> Iterator[Image]:
    lines = _lines(path)
    for where, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(maxsplit=9)
        if len(fields) != 10 or not fields[8].isdigit():
            raise InputError(
                f"{where}: expected `image_id qw qx qy qz tx ty tz camera_id name`; correct the line"
            )
        next(lines, None)  # its 2-D points, an empty line where it has none
        name = fields[9].strip()
        if names is None or name in names:
            with collecting(faults, name):
                stated = parse_colmap_pose(fields[1:8], where)
                yield Image(name, int(fields[8]), stated, where)


def _read_cameras_bin(path: Path) -> dict[int, Camera]:
    cameras = {}
    names = {number: name for name, (number, _) in COLMAP_MODELS.items()}
    with _opened(path) as file:
        for _ in range(_unpack(file, COUNT)[0]):
            camera_id, number, width, height = _unpack(file, CAMERA)
            model = names.get(number, f"number {number}")
            count = len(COLMAP_MODELS[model][1].split()) if number in names else 0
            parameters = _unpack(file, struct.Struct(f"<{count}d"))
            lens = parse_colmap_camera(model, parameters, f"{path} camera {camera_id}")
            cameras[camera_id] = Camera(lens, width, height)
    return cameras


def _read_images_bin(
    path: Path, names: Container[str] | None, faults: list[Fault] | None
) -> Iterator[Image]:
    with _opened(path) as file:
        for _ in range(_unpack(file, COUNT)[0]):
            image_id, *pose, camera_id = _unpack(file, IMAGE)
            name = os.fsdecode(b"".join(iter(lambda: _unpack(file, CHARACTER)[0], b"\0")))
            file.seek(POINT_2D_BYTES * _unpack(file, COUNT)[0], 1)
            if names is None or name in names:
                where = f"{path} image {image_id} {name}"
                with collecting(faults, name):
                    yield Image(name, camera_id, parse_colmap_pose(pose, where), where)
        if file.tell() > file.seek(0, os.SEEK_END):
            raise struct.error("the last points are cut off")


def _write_txt(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
    lines = ["# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]"]
    for camera_id, camera in cameras.items():
        model, parameters = colmap_camera(camera.lens)
        lines.append(row_text([camera_id, model, camera.width, camera.height, *parameters]))
    (folder / "cameras.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of 2-D points (none)"]
    for image_id, image in enumerate(images, start=1):
        if len(image.name.split()) != 1:
            raise InputError(
                f"{image.name}: COLMAP's text model ends a name at a space; use format=colmap_binary"
            )
        pose = colmap_pose(image.stated.T_world_cam)
        lines += [row_text([image_id, *pose, image.camera_id, image.name]), ""]
    (folder / "images.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "points3D.txt").write_text("# no points\n", encoding="utf-8")


def _write_bin(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
    with (folder / "cameras.bin").open("wb") as file:
        file.write(COUNT.pack(len(cameras)))
        for camera_id, camera in cameras.items():
            model, parameters = colmap_camera(camera.lens)
            file.write(CAMERA.pack(camera_id, COLMAP_MODELS[model][0], camera.width, camera.height))
            file.write(struct.pack(f"<{len(parameters)}d", *parameters))
    with (folder / "images.bin").open("wb") as file:
        file.write(COUNT.pack(len(images)))
        for image_id, image in enumerate(images, start=1):
            file.write(
                IMAGE.pack(image_id, *colmap_pose(image.stated.T_world_cam), image.camera_id)
            )
            file.write(image.name.encode() + b"\0" + COUNT.pack(0))
    (folder / "points3D.bin").write_bytes(COUNT.pack(0))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """(where, line) of a text file."""
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            yield f"{path} line {number}", line.decode("utf-8", errors="replace")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the model") from None


def _unpack(file: BinaryIO, record: struct.Struct) -> tuple[Any, ...]:
    return record.unpack(file.read(record.size))
