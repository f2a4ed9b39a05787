"""Shared parts of pictures: colours, text, the colour scale of errors, and files of pictures and films."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.formatting import round_numbers, short_length
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.simulator.world import Rgb

SPLIT_COLOURS = {"train": "#1f6feb", "val": "#f0b429", "test": "#d1242f"}
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
INK, QUIET = "#1f2328", "#57606a"
PAPER = (246, 248, 250)  # behind scenes
PICTURES = (".jpg", ".jpeg", ".png")

COLOURS = mpl.colormaps["plasma"]  # perceptually uniform; large errors are bright
SHOWN = 0.88  # share of the colour map that is used: its end is too pale for paper
ENDS = (5, 95)  # percentiles of the errors; errors beyond have the colours of the ends

# VP9: the wheels of opencv-python can write it, unlike H.264, and browsers play it. They choose a
# high quality, which cannot be changed: about 3 MB for 8 s of lines on paper at 800 px, 7 MB over a photo
CODEC = "vp09"


def write_picture(path: Path, rgb: Rgb, max_kb: float = np.inf) -> None:
    """Write a picture (H, W, 3); JPEG takes the best quality, up to 92, that needs at most ``max_kb``."""
    for quality in range(92, 20, -4):
        file = BytesIO()
        kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
        Image.fromarray(rgb).save(file, kind, quality=quality)
        if kind == "PNG" or file.tell() <= 1000 * max_kb:
            break
    with atomic_write(path) as partial:
        partial.write_bytes(file.getvalue())


def draw_text(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: float,
    anchor: str = "la",
    colour: str = INK,
) -> float:
    """Draw text of a size in pixels and return its width; ``anchor`` is Pillow's."""
    font = ImageFont.load_default(size)
    draw.text(at, text, colour, font, anchor)
    return draw.textlength(text, font)


class ErrorScale(NamedTuple):
    """A logarithmic colour scale of position errors."""

    low_m: float
    high_m: float

    @classmethod
    def of(cls, errors_m: Floats) -> "ErrorScale":
        """Make the scale of errors (N,), of which at least one is finite."""
        low_m, high_m = np.percentile(errors_m[np.isfinite(errors_m)], ENDS)
        low_m = max(low_m, 1e-3 * high_m, 1e-9)
        return cls(float(low_m), float(max(high_m, 1.1 * low_m)))

    def position(self, errors_m: Floats) -> Floats:
        """Return the positions of errors (...,) on the scale, within [0, 1]."""
        share = np.log(np.maximum(errors_m, 1e-12) / self.low_m) / np.log(self.high_m / self.low_m)
        return np.asarray(np.clip(share, 0.0, 1.0))

    def colours(self, errors_m: Floats) -> NDArray[np.uint8]:
        """Return colours (N, 3) of errors (N,)."""
        return ramp(self.position(errors_m))

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions on the scale and their texts: round numbers."""
        steps = [1, 2, 5] if self.high_m > 8 * self.low_m else [1, 1.5, 2, 3, 4, 5, 7]
        lengths_m = np.array(round_numbers(self.low_m, self.high_m, steps))
        return [(float(self.position(m)), short_length(m)) for m in lengths_m]


def ramp(position: Floats) -> NDArray[np.uint8]:
    """Return colours (..., 3) of positions within [0, 1]."""
    return np.asarray(np.round(255 * COLOURS(SHOWN * position)[..., :3]), np.uint8)


def write_film(path: Path, frames: Iterable[Rgb], count: int, fps: float) -> None:
    """Write `count` frames (H, W, 3) of even height and width atomically."""
    writer = cv2.VideoWriter()
    with atomic_write(path) as partial:
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
