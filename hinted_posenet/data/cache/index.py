"""The table of contents of the image cache: an SQLite file, which many processes may use at once."""

import os
import shutil
import sqlite3
import time
from collections.abc import Collection, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import cv2

from hinted_posenet.data.cache.decoded_images import (
    Origin,
    Place,
    open_segment,
    segment_files,
    segment_path,
)

TABLES = """
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, content BLOB);
CREATE TABLE IF NOT EXISTS segments
    (name TEXT PRIMARY KEY, title TEXT, height INTEGER, width INTEGER, rows INTEGER, used_ns INTEGER);
CREATE TABLE IF NOT EXISTS images
    (key BLOB PRIMARY KEY, width INTEGER, height INTEGER,
     segment TEXT REFERENCES segments(name) ON DELETE SET NULL, row INTEGER);
CREATE INDEX IF NOT EXISTS of_segment ON images (segment);
"""
FILE = "index-1.sqlite"  # raise the number when the tables change
PIXELS = 1  # raise when the same file gives other pixels
SPARE_BYTES = 2**30  # of the disk, left free
TICK_NS = 2 * 10**9  # the coarsest step in which file systems count time


class File(NamedTuple):
    """A source file as it was when it was last read."""

    path: str
    state: str  # size and times
    content: bytes  # its hash


class Segment(NamedTuple):
    """One file of decoded images."""

    name: str
    title: str  # of the set that it was decoded for
    height: int
    width: int
    rows: int
    used_ns: int  # when it was last asked for

    @property
    def size_bytes(self) -> int:
        """Of its images."""
        return self.rows * 3 * self.height * self.width


def file_state(path: str) -> str:
    """Size and times of a file, which tell of any change of its content: nobody can set the last of the times.

    Empty, which tells of nothing, where it is missing, or changed so lately that another change might leave the
    times as they are.
    """
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return ""
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < TICK_NS:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def image_key(content: bytes, lens: str, shape: tuple[int, int]) -> bytes:
    """Hash of all that decides the decoded pixels (3, *shape)."""
    made_from = repr((PIXELS, cv2.__version__, content, lens, shape))
    return blake2b(made_from.encode(), digest_size=16).digest()


class ImageIndex:
    """What is known of source files and of decoded images.

    Args:
        folder: Of the cache; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables = sqlite3.connect(folder / FILE, timeout=60)
        self._tables.executescript(TABLES)

    def close(self) -> None:
        """Of no use after this."""
        self._tables.close()

    def find(self, origins: Iterable[Origin], shape: tuple[int, int]) -> dict[Origin, Place]:
        """Places of those whose files are unchanged, as far as their segments are whole."""
        rows = self._tables.execute("SELECT path, state, content FROM files WHERE state != ''")
        files = {row[0]: File(*row) for row in rows}
        places = self.places()
        whole = {None, *(segment.name for segment in self.intact())}
        found = {}
        for origin in origins:
            file = files.get(origin.path)
            if file is not None and file.state == file_state(origin.path):
                place = places.get(image_key(file.content, origin.lens, shape))
                if place is not None and place.segment in whole:
                    found[origin] = place
        return found

    def places(self) -> dict[bytes, Place]:
        """Where images lie, by the key of what they were made from."""
        rows = self._tables.execute("SELECT key, width, height, segment, row FROM images")
        return {key: Place(*place) for key, *place in rows}

    def segments(self) -> list[Segment]:
        """Least recently used first."""
        columns = ", ".join(Segment._fields)
        rows = self._tables.execute(f"SELECT {columns} FROM segments ORDER BY used_ns, name")
        return [Segment(*row) for row in rows]

    def add(
        self, files: Iterable[File], places: dict[bytes, Place], segment: Segment | None
    ) -> None:
        """Enter files, images and the segment that holds these, if they are kept; all or nothing."""
        with self._tables as tables:
            if segment:
                tables.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)", segment)
            tables.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", files)
            tables.executemany(
                "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)",
                ((key, *place) for key, place in places.items()),
            )

    def touch(self, names: Iterable[str | None]) -> None:
        """Segments that are used now."""
        now = time.time_ns()
        with self._tables as tables:
            tables.executemany(
                "UPDATE segments SET used_ns = ? WHERE name = ?", ((now, name) for name in names)
            )

    def remove(self, segment: Segment) -> None:
        """A segment's entry and file; its images stay known as checked."""
        with self._tables as tables:
            tables.execute("DELETE FROM segments WHERE name = ?", (segment.name,))
        self._path(segment).unlink(missing_ok=True)

    def make_room(
        self, wanted_bytes: int, limit_bytes: int, in_use: Collection[str | None]
    ) -> bool:
        """Remove segments, the least recently used first, until there is room; False if that would not do."""
        segments = self.segments()
        unused = [segment for segment in segments if segment.name not in in_use]
        taken_bytes = sum(segment.size_bytes for segment in segments)
        free_bytes = shutil.disk_usage(self.folder).free - SPARE_BYTES
        surplus = wanted_bytes - min(limit_bytes - taken_bytes, free_bytes)
        if surplus > sum(segment.size_bytes for segment in unused):
            return False
        while surplus > 0:
            oldest = unused.pop(0)
            self.remove(oldest)
            surplus -= oldest.size_bytes
        return True

    def intact(self) -> list[Segment]:
        """Those whose files are whole."""
        return [segment for segment in self.segments() if self._is_intact(segment)]

    def sweep(self) -> None:
        """Remove what a killed process left behind, and what is damaged. Only for the holder of the lock."""
        intact = self.intact()
        for segment in set(self.segments()).difference(intact):
            self.remove(segment)
        entered = set(map(self._path, intact))
        for path in segment_files(self.folder):
            if path not in entered:
                path.unlink()

    def _is_intact(self, segment: Segment) -> bool:
        pixels = open_segment(self._path(segment), (segment.height, segment.width))
        return pixels is not None and len(pixels) == segment.rows

    def _path(self, segment: Segment) -> Path:
        return segment_path(self.folder, (segment.height, segment.width), segment.name)
