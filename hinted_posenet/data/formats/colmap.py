"""COLMAP: one sparse model of all images, as text or binary, and a list of image names for each split.

Only what localization needs is read, because the 3-D points of a model may take gigabytes. Files of a model::

    cameras.txt   `camera_id MODEL width height parameters...`
    images.txt    `image_id qw qx qy qz tx ty tz camera_id name`, each with a second line of 2-D points
    points3D.txt  written empty
    *.bin         the same in binary, little-endian; preferred if both exist
    train.txt, val.txt, test.txt   names of images, one per line; our addition
"""

import os
import struct
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import COLMAP_MODELS, Lens, colmap_camera, parse_colmap_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.poses import ValidatedPose, colmap_pose, parse_colmap_pose, row_text

CARD = "docs/formats.md"
CAMERAS_HEADER = "# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]"
IMAGES_HEADER = "# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of 2-D points (none)"
COUNT, CAMERA, IMAGE = struct.Struct("<Q"), struct.Struct("<iiQQ"), struct.Struct("<i7di")
CHARACTER = struct.Struct("c")
POINT_2D_BYTES = 24  # x, y, and the number of the 3-D point

Row = tuple[str, int, Sequence[str | float], str]  # name, camera, pose, and where they are stated


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


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    model: str = "sparse/0",
    images: str = "images",
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split of a scene, in the order of its list, see `ReadViews`.

    The split "all" has all images of the model whatever the lists say; ``model`` and ``images`` are folders
    within the scene.
    """
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, f"{model}/images.bin", CARD, f"{model}/images.txt")
    path = folder / model / f"{split}.txt"
    if split == "val" and not path.is_file():
        return []
    listed = None if split == "all" else layout.read_names(path, CARD)
    cameras, posed = read_model(folder / model, listed, faults)
    wanted = listed or {name: image.where for name, image in posed.items()}
    views = []
    for name, where in wanted.items():
        with layout.collecting(faults, name):
            if name not in posed:
                raise InputError(f"{where}: {name} is not in the model; remove the line")
            _, number, stated, _ = posed[name]
            if number not in cameras:
                raise InputError(f"{where}: {name} is of camera {number}, not in the model")
            lens, *size = cameras[number]
            path = folder / images / name
            views.append(
                layout.labelled_view(name, path, stated, lens, where, size=(size[0], size[1]))
            )
    return views


class ColmapFormat:
    """images/<name>, sparse/0/{cameras,images,points3D}.{txt,bin}, sparse/0/{train,val,test}.txt."""

    reads_back = "colmap"
    keeps_validation = True

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self.title = f"COLMAP {'binary' if binary else 'text'}"

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Keep names, images and cameras as they are."""
        return [
            layout.written_as(split, view, view.name, Path("images", view.name), depth=None)
            for split, view in views
        ]

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write the model and the lists beside it; images with equal cameras share one."""
        ids: dict[tuple[object, ...], int] = {}
        cameras: dict[int, Camera] = {}
        images = []
        for _, _, view, width, height in frames:
            key = (width, height, tuple(view.K.flatten().tolist()), view.distortion)
            camera_id = ids.setdefault(key, len(ids) + 1)
            cameras[camera_id] = Camera(Lens(view.K, view.distortion), width, height)
            images.append(Image(view.name, camera_id, ValidatedPose(view.T_world_cam, 0.0)))
        model = folder / "sparse" / "0"
        model.mkdir(parents=True, exist_ok=True)
        write_model = _write_binary if self.binary else _write_text
        write_model(model, cameras, images)
        for split, names in layout.names_by_split(frames).items():
            (model / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def read_model(
    folder: Path, names: Container[str] | None, faults: list[Fault] | None = None
) -> tuple[dict[int, Camera], dict[str, Image]]:
    """Read the cameras by their number, and the images by name: those of ``names``, None reads all.

    ``faults`` collects what is wrong with single images; None raises the first.
    """
    if (folder / "images.bin").is_file():
        try:
            cameras = _read_cameras_bin(folder / "cameras.bin")
            rows = list(_read_images_bin(folder / "images.bin"))
        except struct.error:
            raise InputError(
                f"{folder}: cameras.bin or images.bin is cut off; copy it again"
            ) from None
    else:
        cameras = read_cameras_txt(folder / "cameras.txt")
        rows = list(_read_images_txt(folder / "images.txt"))
    images = {}
    for name, camera_id, pose, where in rows:
        if names is None or name in names:
            with layout.collecting(faults, name):
                images[name] = Image(name, camera_id, parse_colmap_pose(pose, where), where)
    return cameras, images


def read_cameras_txt(path: Path) -> dict[int, Camera]:
    """Read the cameras of a ``cameras.txt`` by their number."""
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


def _read_images_txt(path: Path) -> Iterator[Row]:
    lines = _lines(path)
    for where, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(maxsplit=9)
        if len(fields) != 10 or not fields[8].isdigit():
            raise InputError(
                f"{where}: expected `image_id qw qx qy qz tx ty tz camera_id name`; correct the line"
            )
        next(lines, None)  # its 2-D points, an empty line if it has none
        yield fields[9].strip(), int(fields[8]), fields[1:8], where


def _write_text(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
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


def _read_images_bin(path: Path) -> Iterator[Row]:
    with _opened(path) as file:
        for _ in range(_unpack(file, COUNT)[0]):
            image_id, *pose, camera_id = _unpack(file, IMAGE)
            name = os.fsdecode(b"".join(iter(lambda: _unpack(file, CHARACTER)[0], b"\0")))
            file.seek(POINT_2D_BYTES * _unpack(file, COUNT)[0], 1)
            yield name, camera_id, pose, f"{path} image {image_id} {name}"
        if file.tell() > file.seek(0, os.SEEK_END):
            raise struct.error("the last points are cut off")


def _write_binary(folder: Path, cameras: Mapping[int, Camera], images: Sequence[Image]) -> None:
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


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file and line, text) of each line of a text file."""
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
