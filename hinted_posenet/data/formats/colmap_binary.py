"""A COLMAP model in binary: cameras.bin and images.bin; points3D.bin is written empty and never read."""

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import MODEL_BYTES
from hinted_posenet.core.text import check_file, reading
from hinted_posenet.data.cameras import (
    COLMAP_MODELS,
    OTHER_MODELS,
    colmap_camera,
    parse_colmap_camera,
)
from hinted_posenet.data.formats.colmap_model import (
    Camera,
    Cameras,
    Image,
    Row,
    add_camera,
    readable_name,
)
from hinted_posenet.data.poses import colmap_pose

COUNT, CAMERA, IMAGE = struct.Struct("<Q"), struct.Struct("<iiQQ"), struct.Struct("<i7di")
POINT_2D_BYTES = 24  # x, y, and the number of the 3-D point
NAME_BYTES = 4096  # the longest path of Linux
FIX = "copy it again"


def read_cameras(path: Path) -> Cameras:
    """Read the cameras of a ``cameras.bin`` by their number."""
    names = {number: name for name, (number, _) in COLMAP_MODELS.items()}
    others = {number: (name, count) for name, (number, count) in OTHER_MODELS.items()}
    cameras: Cameras = {}
    with _records(path) as (file, records):
        for _ in records:
            camera_id, number, width, height = _unpack(file, CAMERA)
            where = f"{path} camera {camera_id}"
            if number in names:
                model, count = names[number], len(COLMAP_MODELS[names[number]][1].split())
            elif number in others:
                model, count = others[number]
            else:
                raise InputError(f"{where}: camera model number {number} is not COLMAP's; {FIX}")
            parameters = _unpack(file, struct.Struct(f"<{count}d"))
            camera: Camera | InputError
            try:
                camera = Camera(parse_colmap_camera(model, parameters, where), width, height)
            except InputError as error:
                camera = error
            add_camera(cameras, camera_id, camera, where)
    return cameras


def read_images(path: Path) -> Iterator[Row]:
    """Read the images of an ``images.bin``, without their points."""
    with _records(path) as (file, records):
        size = os.fstat(file.fileno()).st_size
        for _ in records:
            image_id, *pose, camera_id = _unpack(file, IMAGE)
            name = bytearray()
            while (letter := _read(file, 1)) != b"\0":
                name += letter
                if len(name) > NAME_BYTES:
                    raise InputError(f"{path} image {image_id}: its name does not end; {FIX}")
            points_bytes = _unpack(file, COUNT)[0] * POINT_2D_BYTES
            if points_bytes > size - file.tell():
                raise EOFError
            file.seek(points_bytes, os.SEEK_CUR)
            stored = name.decode("utf-8", "surrogateescape")
            shown = readable_name(stored)
            where = f"{path} image {image_id} {shown if shown.isprintable() else ascii(shown)}"
            yield Row(stored, camera_id, pose, where)


def write_binary(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
    """Write a model without points."""
    camera_rows, image_rows = [COUNT.pack(len(cameras))], [COUNT.pack(len(images))]
    for camera_id, (lens, width, height) in cameras.items():
        model, parameters = colmap_camera(lens)
        camera_rows.append(CAMERA.pack(camera_id, COLMAP_MODELS[model][0], width, height))
        camera_rows.append(struct.pack(f"<{len(parameters)}d", *parameters))
    for image_id, image in enumerate(images, start=1):
        pose = colmap_pose(image.stated.T_world_cam)
        image_rows.append(IMAGE.pack(image_id, *pose, image.camera_id))
        image_rows.append(image.name.encode() + b"\0" + COUNT.pack(0))
    files = {"cameras": camera_rows, "images": image_rows, "points3D": [COUNT.pack(0)]}
    for name, rows in files.items():
        (folder / f"{name}.bin").write_bytes(b"".join(rows))


@contextmanager
def _records(path: Path) -> Iterator[tuple[BinaryIO, range]]:
    """Open a file, and return it with the records that it says it has, all of which have to be read.

    Raises:
        InputError: It ends before its last record (an EOFError within) or goes on after it, or cannot be read.
    """
    check_file(path, MODEL_BYTES, FIX)
    with reading(path, FIX), path.open("rb") as file:
        try:
            (count,) = _unpack(file, COUNT)
            yield file, range(count)
        except EOFError:
            raise InputError(f"{path}: is cut off; {FIX}") from None
        if file.read(1):
            raise InputError(f"{path}: goes on after its {count} records; {FIX}")


def _unpack(file: BinaryIO, record: struct.Struct) -> tuple[Any, ...]:
    return record.unpack(_read(file, record.size))


def _read(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError
    return content
