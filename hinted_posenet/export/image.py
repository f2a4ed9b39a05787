"""One image into the written data set: the same file where it can be, else decoded and written as PNG."""

import os
import shutil
from pathlib import Path

import cv2
from torch import Tensor

from hinted_posenet.data.posed_images import decoded, undistorted
from hinted_posenet.export.frame import Frame

SAME_K_PX = 1e-6  # below this two cameras are one


def place_image(frame: Frame, folder: Path) -> str:
    """Write the image of a frame into the folder of the data set; what was done, for the summary."""
    source, written = frame.source, frame.written
    path = folder / written.image
    path.parent.mkdir(parents=True, exist_ok=True)
    as_seen = source.distortion == written.distortion and same_camera(source.K, written.K)
    if as_seen and source.image.suffix == path.suffix:
        return _link(source.image.resolve(), path)
    image = decoded(source.image)
    if not as_seen:
        image = undistorted(image, source.K, source.distortion, written.K)
    ok, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise RuntimeError(f"{path}: could not be encoded")
    path.write_bytes(encoded.tobytes())
    return "encoded as PNG" if as_seen else "undistorted or resampled to the pinhole that is told"


def same_camera(first: Tensor, second: Tensor) -> bool:
    """Whether two K (3, 3) are the same to `SAME_K_PX`."""
    return bool((first - second).abs().max() < SAME_K_PX)


def _link(source: Path, path: Path) -> str:
    """A hard link takes no space; across file systems, or where there are none, a copy."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
        return "copied"
    return "hard-linked"
