"""Contents of the cache folder, decoded images and features, and how they are listed and removed."""

import logging
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote
from uuid import uuid4

from filelock import FileLock, Timeout

IMAGES, FEATURES = "images", "features"  # subfolders of the cache
SPARE_BYTES = 2**30  # of the disk, left free
# our files; one that is being written has a process number in front, and version 0.1.0 wrote no titles
SEGMENT = re.compile(
    r"(?P<height>[1-9]\d*)x(?P<width>[1-9]\d*)/(\.\d+-)?((?P<title>[^/]*)-)?[0-9a-f]{32}\.npy"
)
FEATURE_FILE = re.compile(r"[0-9a-f]{24}\.pt")
INDEX = re.compile(r"(\.\d+-)?index-(2\.json|1\.sqlite(-journal)?)")

log = logging.getLogger(__name__)


class Item(NamedTuple):
    """A file of the cache: a segment of decoded images, or features."""

    path: Path
    title: str  # of the set that it belongs to
    size: str  # HxW of the images in pixels; empty for features
    number: int  # of images; of files
    size_bytes: int
    used_ns: int  # when it was last used, since 1970


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time add decoded images or remove some."""
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        log.warning("%s: another process decodes images; waiting for it", folder)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def segment_name(title: str, height: int, width: int) -> str:
    """Return a new name for a segment of a set, relative to the folder of decoded images."""
    return f"{height}x{width}/{quote(title, safe=', ')[:100]}-{uuid4().hex}.npy"


def segments(images: Path) -> list[Item]:
    """List the files of decoded images, whole or not, the least recently used first; foreign files are skipped."""
    items = []
    for path in images.glob("*x*/*.npy"):
        name = SEGMENT.fullmatch(path.relative_to(images).as_posix())
        with suppress(FileNotFoundError):  # removed by another process
            if name and (stat := path.stat()):
                number = stat.st_size // (3 * int(name["height"]) * int(name["width"]))
                title = unquote(name["title"] or "unknown")
                numbers = number, stat.st_size, stat.st_mtime_ns
                items.append(Item(path, title, path.parent.name, *numbers))
    return sorted(items, key=lambda item: item.used_ns)


def kept(cache: Path) -> list[Item]:
    """List all that the cache holds, the least recently used first."""
    items = segments(cache / IMAGES)
    for path in (cache / FEATURES).glob("*.pt"):
        with suppress(FileNotFoundError):  # removed by another process
            if FEATURE_FILE.fullmatch(path.name) and (stat := path.stat()):
                used_ns = max(stat.st_atime_ns, stat.st_mtime_ns)
                items.append(Item(path, FEATURES, "", 1, stat.st_size, used_ns))
    return sorted(items, key=lambda item: item.used_ns)


def make_room(
    images: Path, wanted_bytes: int, limit_bytes: int, in_use: Collection[str | None]
) -> bool:
    """Remove the least recently used segments until there is room for ``wanted_bytes``; return whether there is.

    ``in_use`` names segments to keep, relative to the folder of decoded images.
    """
    found = segments(images)
    taken_bytes = sum(item.size_bytes for item in found)
    spare_bytes = shutil.disk_usage(images).free - SPARE_BYTES
    lacking = wanted_bytes - min(limit_bytes - taken_bytes, spare_bytes)
    unused = [item for item in found if item.path.relative_to(images).as_posix() not in in_use]
    return _remove_oldest(unused, lacking) >= lacking


def prune(cache: Path, limit_gb: float) -> int:
    """Remove the least recently used files until ``limit_gb`` or less is left; return the bytes freed."""
    images = cache / IMAGES
    with locked(images) if images.is_dir() else nullcontext():
        items = kept(cache)
        return _remove_oldest(items, sum(item.size_bytes for item in items) - limit_gb * 1e9)


def clear(cache: Path) -> None:
    """Remove all decoded images, their index and all features, but nothing else that lies there."""
    prune(cache, 0)
    for path in (cache / IMAGES).glob("*index*"):
        if INDEX.fullmatch(path.name):
            path.unlink()


def _remove_oldest(items: list[Item], surplus: float) -> int:
    """Remove items in order until they make up for a surplus of bytes; return the bytes freed."""
    freed = 0
    for item in items:
        if freed >= surplus:
            break
        item.path.unlink(missing_ok=True)
        freed += item.size_bytes
    return freed
