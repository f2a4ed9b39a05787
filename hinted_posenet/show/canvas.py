"""What pictures share: colours, type, the scale of errors, and writing pictures and films."""

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

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.simulator.world.world import Rgb

SPLIT_COLOURS = {"train": "#1f6feb", "val": "#f0b429", "test": "#d1242f"}
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
INK, QUIET = "#1f2328", "#57606a"
PAPER = (246, 248, 250)  # behind scenes
PICTURES = (".jpg", ".jpeg", ".png")


def check_picture_name(path: Path) -> None:
    """Refuse a format that is not written."""
    if path.suffix not in PICTURES:
        raise InputError(f"output={path}: expected one of {', '.join(PICTURES)}")


def write_picture(path: Path, rgb: Rgb, max_kb: float = np.inf) -> None:
    """Write (H, W, 3); a JPEG in the best quality, up to 92, that needs at most ``max_kb``."""
    picture, file = Image.fromarray(rgb), BytesIO()
    if path.suffix == ".png":
        picture.save(file, "PNG")
    else:
        for quality in range(92, 20, -4):
            file = BytesIO()
            picture.save(file, "JPEG", quality=quality)
            if file.tell() <= 1000 * max_kb:
                break
    with atomic_write(path) as partial:
        partial.write_bytes(file.getvalue())


def round_length(metres: float) -> str:
    """A round length in the unit that suits it."""
    if metres < 1:
        return f"{100 * metres:.6g} cm"
    return f"{metres:.6g} m" if metres < 1000 else f"{metres / 1000:.6g} km"


def draw_text(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: float,
    anchor: str = "la",
    colour: str = INK,
) -> float:
    """Text of a size in pixels, and its width; the anchor says which of its points is ``at``, as in Pillow."""
    font = ImageFont.load_default(size)
    draw.text(at, text, colour, font, anchor)
    return draw.textlength(text, font)


COLOURS = mpl.colormaps["plasma"]  # perceptually uniform; what is bad shines
SHOWN = 0.88  # of the colour map: the end of it is too pale for paper
ENDS = (5, 95)  # percentiles of the errors; what is beyond has the end's colour


class ErrorScale(NamedTuple):
    """From one colour to the other."""

    low_m: float
    high_m: float

    @classmethod
    def of(cls, errors_m: Floats) -> "ErrorScale":
        """The scale of errors (N,), of which at least one is finite."""
        low_m, high_m = np.percentile(errors_m[np.isfinite(errors_m)], ENDS)
        low_m = max(low_m, 1e-3 * high_m, 1e-9)
        return cls(float(low_m), float(max(high_m, 1.1 * low_m)))

    def position(self, errors_m: Floats) -> Floats:
        """Where errors (...,) are on the scale, within [0, 1]."""
        share = np.log(np.maximum(errors_m, 1e-12) / self.low_m) / np.log(self.high_m / self.low_m)
        return np.asarray(np.clip(share, 0.0, 1.0))

    def colours(self, errors_m: Floats) -> NDArray[np.uint8]:
        """Colours (N, 3) of errors (N,)."""
        return ramp(self.position(errors_m))

    def ticks(self) -> list[tuple[float, str]]:
        """Positions on the scale and what to write there: round numbers."""
        numbers = [1, 2, 5] if self.high_m > 8 * self.low_m else [1, 1.5, 2, 3, 4, 5, 7]
        powers = 10.0 ** np.arange(np.floor(np.log10(self.low_m)), np.log10(self.high_m) + 1)
        steps = np.outer(powers, numbers).ravel()
        inside = steps[(steps >= self.low_m) & (steps <= self.high_m)]
        return [(float(self.position(step)), round_length(step)) for step in inside]


def ramp(position: Floats) -> NDArray[np.uint8]:
    """Colours (..., 3) of positions within [0, 1]."""
    return np.asarray(np.round(255 * COLOURS(SHOWN * position)[..., :3]), np.uint8)


# VP9: the wheels of opencv-python can write it, unlike H.264, and browsers play it. They choose a
# high quality, which cannot be changed: about 3 MB for 8 s of lines on paper at 800 px, 7 MB over a photo
CODEC = "vp09"


def write_film(path: Path, frames: Iterable[Rgb], count: int, fps: float) -> None:
    """Write `count` frames (H, W, 3) of even height and width, whole or not at all."""
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
