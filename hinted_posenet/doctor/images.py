"""Image files of a scene: is it there, does it decode, what is its size, is it another's copy."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from tqdm import tqdm

# what Pillow raises for files that are no images, or half of one (SyntaxError: broken PNG chunks)
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class ImageFile(NamedTuple):
    """What is known of one image file."""

    is_there: bool
    size: tuple[int, int] | None = None  # (width, height) in pixels; None: unreadable
    digest: str = ""  # same for the same content; "" where it was not needed
    error: str = ""  # why it cannot be read


def read_images(paths: Iterable[Path], decode: bool, title: str) -> dict[Path, ImageFile]:
    """Read all images.

    Args:
        paths: the files.
        decode: decode every pixel, which finds files cut short, and copies stored in another way;
            otherwise read headers, and compare bytes of files of equal length.
        title: of the progress bar.
    """
    todo = list(dict.fromkeys(paths))
    lengths = {path: path.stat().st_size for path in todo if path.is_file()}
    alike = Counter(lengths.values())
    twins = {path for path, length in lengths.items() if alike[length] > 1}
    read = partial(_read, decode=decode, twins=twins)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(tqdm(pool.map(read, todo), total=len(todo), desc=title, delay=1, leave=False))
    return dict(zip(todo, found, strict=True))


def _read(path: Path, decode: bool, twins: set[Path]) -> ImageFile:
    if not path.is_file():
        return ImageFile(False, error="missing")
    try:
        with Image.open(path) as image:
            digest = ""
            if decode:
                pixels = image.tobytes()
                digest = hashlib.sha1(pixels + repr((image.mode, image.size)).encode()).hexdigest()
            elif path in twins:
                digest = hashlib.sha1(path.read_bytes()).hexdigest()
            return ImageFile(True, image.size, digest)
    except UNREADABLE as error:
        return ImageFile(True, error=f"cannot be decoded ({str(error).splitlines()[0]})")
