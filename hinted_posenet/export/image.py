"""Images into the written data set: the same files where they can be, else decoded and written as PNG."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import cv2
from torch import Tensor

from hinted_posenet.data.decode import decoded, undistorted
from hinted_posenet.export.frame import Frame
from hinted_posenet.types import InputError

SAME_K_PX = 1e-6  # below this two cameras are one


def place_image(frame: Frame, folder: Path, link: bool = True) -> str:
    """Write the image of a frame into the folder of the data set; what was done, for the summary."""
    source, written = frame.source, frame.written
    path = folder / written.image
    as_seen = _as_seen(frame)
    if as_seen and source.image.suffix == path.suffix:
        return f"images {_place(source.image, path, link)}"
    image = decoded(source.image)
    if not as_seen:
        image = undistorted(image, source.K, source.distortion, written.K)
    _write_png(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return "images encoded as PNG" if as_seen else "images resampled to a pinhole, as PNG"


def place_depth(frame: Frame, folder: Path, link: bool = True) -> str | None:
    """As `place_image` for the depth image, if there is one; no depth is mixed from two surfaces."""
    source, written = frame.source, frame.written
    if source.depth is None:
        return None
    if written.depth is None:
        return f"depth images left out: the format has none in steps of {source.depth.unit_m:g} m"
    path = folder / written.depth.image
    if not source.depth.image.is_file():
        raise InputError(f"{source.depth.image}: missing; write the data set again")
    if _as_seen(frame):
        return f"depth images {_place(source.depth.image, path, link)}"
    depth = cv2.imread(str(source.depth.image), cv2.IMREAD_UNCHANGED)
    if depth is None:
        raise InputError(f"{source.depth.image}: not a readable image; write it again")
    _write_png(path, undistorted(depth, source.K, source.distortion, written.K, cv2.INTER_NEAREST))
    return "depth images resampled to a pinhole"


def same_camera(first: Tensor, second: Tensor) -> bool:
    """Whether two K (3, 3) are the same to `SAME_K_PX`."""
    return bool((first - second).abs().max() < SAME_K_PX)


def _as_seen(frame: Frame) -> bool:
    """Whether the written camera is the source's."""
    source, written = frame.source, frame.written
    return source.distortion == written.distortion and same_camera(source.K, written.K)


def _place(source: Path, path: Path, link: bool) -> str:
    """A hard link takes no space; if none is wanted or possible, as across file systems, a copy."""
    source = source.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        with suppress(OSError):
            os.link(source, path)
            return "hard-linked"
    shutil.copyfile(source, path)
    return "copied"


def _write_png(path: Path, image: cv2.typing.MatLike) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, encoded = cv2.imencode(".png", image)
    if not ok:
        raise RuntimeError(f"{path}: could not be encoded")
    path.write_bytes(encoded.tobytes())
