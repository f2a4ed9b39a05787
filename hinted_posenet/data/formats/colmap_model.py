"""What a COLMAP model states, whether as text or binary."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.poses import ValidatedPose


class Camera(NamedTuple):
    """One camera of a model."""

    lens: Lens
    width: int  # pixels
    height: int


# by number; an error where a camera cannot be used, which only its images have to raise
Cameras = dict[int, Camera | InputError]


class Row(NamedTuple):
    """One image as the model states it."""

    stored: str  # its name as the operating system would have it, surrogates for bytes that are not UTF-8
    camera_id: int
    pose: Sequence[str | float]  # qw qx qy qz tx ty tz
    where: str  # file and line, or number in a binary file


class Image(NamedTuple):
    """One posed image of a model."""

    name: str  # relative to the folder of images
    camera_id: int
    stated: ValidatedPose
    where: str = ""
    stored: str = ""  # see `Row`


def readable_name(stored: str) -> str:
    """Return the name of an image as text with slashes.

    COLMAP keeps the bytes of a name. Those of a Chinese Windows are GBK, of others in the West Latin-1, and all
    may have backslashes.
    """
    name = stored
    if any("\udc80" <= letter <= "\udcff" for letter in stored):
        content = stored.encode("utf-8", "surrogateescape")
        try:
            name = content.decode("gb18030")
        except UnicodeDecodeError:
            name = content.decode("latin-1")
    return name.replace("\\", "/")


def image_path(folder: Path, stored: str, name: str) -> Path:
    """Return the file of an image: under the bytes that the model has, or else as `readable_name` has them."""
    if stored != name:
        path = folder / os.fsdecode(stored.encode("utf-8", "surrogateescape"))
        if path.is_file():
            return path
    return folder / name


def usable(cameras: Mapping[int, Camera | InputError], camera_id: int, where: str) -> Camera:
    """Return a camera of an image.

    Raises:
        InputError: It cannot be used, or the model does not have it.
    """
    camera = cameras.get(camera_id)
    if camera is None:
        raise InputError(
            f"{where}: is of camera {camera_id}, which is not in the model; correct it"
        )
    if isinstance(camera, InputError):
        raise camera
    return camera


def add_camera(cameras: Cameras, camera_id: int, camera: Camera | InputError, where: str) -> None:
    """Add a camera; one that is there already, with other values, cannot be used."""
    known = cameras.get(camera_id)
    if known is not None and _values(known) != _values(camera):
        camera = InputError(
            f"{where}: camera {camera_id} is there twice, with other values; remove the wrong one"
        )
    cameras[camera_id] = camera


def _values(camera: Camera | InputError) -> object:
    """Return what two cameras have to share to be the same."""
    if isinstance(camera, InputError):
        return str(camera)
    return camera.width, camera.height, camera.lens.K.tolist(), camera.lens.distortion
