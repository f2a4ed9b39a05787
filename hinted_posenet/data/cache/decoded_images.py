"""Decoded images on disk, memory-mapped: where each lies, and its pixels."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.types import View

Pixels = NDArray[np.uint8]  # of one image or of many, RGB
SEGMENT_NAME = re.compile(r"\d+x\d+/[0-9a-f]{32}\.(npy|partial)")


class Origin(NamedTuple):
    """What the pixels of a view come from, besides the content of its file."""

    path: str
    lens: str  # K and distortion where there is one, else empty: K moves no pixel of a pinhole


class Place(NamedTuple):
    """Size of an image as stored, and where its decoded pixels lie."""

    width: int
    height: int
    segment: str | None  # None: checked, but its pixels are not kept
    row: int


def origin_of(view: View) -> Origin:
    """Of a view."""
    lens = f"{view.K.flatten().tolist()} {view.distortion}" if view.distortion else ""
    return Origin(str(view.image.absolute()), lens)


def segment_path(folder: Path, shape: tuple[int, int], segment: str) -> Path:
    """A segment is a .npy file of images (N, 3, height, width) uint8 RGB; shape is (height, width)."""
    return folder / f"{shape[0]}x{shape[1]}" / f"{segment}.npy"


def segment_files(folder: Path) -> list[Path]:
    """The segments that are there, whole or not; a folder may hold files that are not ours."""
    return [
        path
        for path in folder.glob("*x*/*")
        if SEGMENT_NAME.fullmatch(path.relative_to(folder).as_posix())
    ]


def open_segment(path: Path, shape: tuple[int, int]) -> Pixels | None:
    """A memory-mapped segment (N, 3, *shape); None where it is gone, cut off or foreign."""
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError):
        return None
    if mapped.dtype != np.uint8 or mapped.shape[1:] != (3, *shape):
        return None
    return np.asarray(mapped)  # memmap's own indexing is slow


class DecodedImages:
    """Decoded images of some views, all of one size.

    Every process maps the files by itself, so it travels to others as a table of places.

    Args:
        folder: Of the cache.
        shape: (height, width) of the decoded images.
        places: Where they lie.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, int], places: Mapping[Origin, Place]
    ) -> None:
        self.folder, self.shape, self.places = folder, shape, places
        self._segments: dict[str, Pixels | None] = {}
        for name in {place.segment for place in places.values() if place.segment}:
            self._segment(name)  # what is mapped stays readable, even if another process prunes it

    def read(self, view: View) -> tuple[Place, Pixels] | None:
        """A view's place and pixels (3, height, width); None where they have to be decoded."""
        place = self.places.get(origin_of(view))
        if place is None or place.segment is None:
            return None
        segment = self._segment(place.segment)
        return None if segment is None else (place, segment[place.row])

    def _segment(self, name: str) -> Pixels | None:
        if name not in self._segments:
            path = segment_path(self.folder, self.shape, name)
            self._segments[name] = open_segment(path, self.shape)
        return self._segments[name]

    def __getstate__(self) -> dict[str, Any]:
        """Without the mapped files, which pickle would copy."""
        return {**self.__dict__, "_segments": {}}
