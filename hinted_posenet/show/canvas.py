"""What the pictures share: colours, type, and writing them."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import InputError
from hinted_posenet.whole_file import whole_file

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
    with whole_file(path) as partial:
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
