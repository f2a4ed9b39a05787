"""Films: frames as an .mp4 that browsers play."""

from collections.abc import Iterable
from pathlib import Path

import cv2
from tqdm import tqdm

from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.whole_file import whole_file

# VP9: the wheels of opencv-python can write it, unlike H.264, and browsers play it. They choose a
# high quality, which cannot be changed: about 3 MB for 8 s of lines on paper at 800 px, 7 MB over a photo
CODEC = "vp09"


def write_film(path: Path, frames: Iterable[Rgb], count: int, fps: float) -> None:
    """Write `count` frames (H, W, 3) of even height and width, whole or not at all."""
    writer = cv2.VideoWriter()
    with whole_file(path) as partial:
        for rgb in tqdm(frames, "film", count, unit="frame", leave=False):
            height, width = rgb.shape[:2]
            if not writer.isOpened() and not writer.open(
                str(partial), cv2.VideoWriter.fourcc(*CODEC), fps, (width, height)
            ):
                raise RuntimeError(
                    f"{path}: this OpenCV cannot write {CODEC}; install opencv-python from PyPI"
                )
            writer.write(rgb[..., ::-1].copy())
        writer.release()
