"""What the cache folder holds, decoded images and features of them, and how it is made smaller."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cache.decoded_images import segment_files
from hinted_posenet.data.cache.index import FILE, ImageIndex

IMAGES, FEATURES = "images", "features"  # its folders

log = logging.getLogger(__name__)


class Item(NamedTuple):
    """What is removed as a whole: a segment of decoded images, or a file of features."""

    title: str  # of the set that it belongs to
    size: str  # HxW of the images in pixels; empty for features
    number: int  # of images; of files
    size_bytes: int
    used_ns: int  # when it was last used, since 1970
    remove: Callable[[], None]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time adds decoded images or removes some."""
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


@contextmanager
def kept(cache: Path) -> Iterator[list[Item]]:
    """All that the cache holds, the least recently used first, to be removed within this context.

    Raises:
        InputError: The index of decoded images is damaged.
    """
    items = []
    for path in (cache / FEATURES).glob("*.pt"):
        stat = path.stat()
        used_ns = max(stat.st_atime_ns, stat.st_mtime_ns)
        items.append(Item(FEATURES, "", 1, stat.st_size, used_ns, path.unlink))
    file = cache / IMAGES / FILE
    with ExitStack() as stack:
        if file.is_file():
            try:
                index = stack.enter_context(closing(ImageIndex(file.parent)))
                segments = index.segments()
            except sqlite3.DatabaseError as error:
                raise InputError(
                    f"{file}: not readable ({error}); remove it with data cache --clear"
                ) from None
            for segment in segments:
                size = f"{segment.height}x{segment.width}"
                numbers = (segment.rows, segment.size_bytes, segment.used_ns)
                items.append(Item(segment.title, size, *numbers, partial(index.remove, segment)))
        yield sorted(items, key=lambda item: item.used_ns)


def prune(cache: Path, limit_gb: float) -> int:
    """Remove the least recently used items until at most ``limit_gb`` are kept: how many bytes that freed."""
    freed = 0
    with ExitStack() as stack:
        if (cache / IMAGES).is_dir():
            stack.enter_context(locked(cache / IMAGES))
        items = stack.enter_context(kept(cache))
        surplus = sum(item.size_bytes for item in items) - limit_gb * 1e9
        for item in items:
            if freed >= surplus:
                break
            item.remove()
            freed += item.size_bytes
    return freed


def clear(cache: Path) -> None:
    """Remove all decoded images, what is known of their files, and all features; nothing else that lies there."""
    if (cache / IMAGES / FILE).is_file():
        clear_images(cache / IMAGES)
    for path in (cache / FEATURES).glob("*.pt"):
        path.unlink()


def clear_images(folder: Path) -> None:
    """Remove all decoded images and what is known of their files."""
    with locked(folder):
        segments = segment_files(folder)
        for path in (*segments, *folder.glob(f"{FILE}*")):  # SQLite adds -journal
            path.unlink()
        for shape in {path.parent for path in segments}:
            if not any(shape.iterdir()):
                shape.rmdir()
