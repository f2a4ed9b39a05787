"""Decoded images on disk, memory-mapped: where each lies, and its pixels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.types import View

Pixels = NDArray[np.uint8]  # of one image or of many, RGB


class Origin(NamedTuple):
    """What the pixels of a view come from, besides the content of its file."""

    path: str
    lens: str  # K and distortion, or empty without distortion: K moves no pixel of a pinhole


class Place(NamedTuple):
    """Size of an image as stored, and where its decoded pixels lie."""

    width: int
    height: int
    segment: str | None  # relative to the cache folder; None: checked, but its pixels are not kept
    row: int


def origin_of(view: View) -> Origin:
    """Return what decides the pixels of a view."""
    lens = f"{view.K.flatten().tolist()} {view.distortion}" if view.distortion else ""
    return Origin(str(view.image.absolute()), lens)


def open_segment(path: Path) -> Pixels | None:
    """Memory-map ``<H>x<W>/<name>.npy`` as (N, 3, H, W); None where it is gone, cut off or foreign."""
    try:
        height, width = map(int, path.parent.name.split("x"))
        mapped = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError):
        return None
    if mapped.dtype != np.uint8 or mapped.shape[1:] != (3, height, width):
        return None
    return np.asarray(mapped)  # memmap's own indexing is slow


class DecodedImages:
    """Decoded images of some views, all of one ``shape`` (height, width), and the places where they lie.

    Every process maps the files itself, so only the tables are pickled. ``contents`` are the hashes of the files
    by path.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int],
        places: Mapping[Origin, Place],
        contents: Mapping[str, str],
    ) -> None:
        self.folder, self.shape, self.places, self.contents = folder, shape, places, contents
        self._segments: dict[str, Pixels | None] = {}
        for name in {place.segment for place in places.values() if place.segment}:
            self._segment(name)  # what is mapped stays readable, even if another process prunes it

    def read(self, view: View) -> tuple[Place, Pixels] | None:
        """Return a view's place and pixels (3, height, width), or None where the file must be decoded."""
        place = self.places.get(origin_of(view))
        if place is None or place.segment is None:
            return None
        segment = self._segment(place.segment)
        return None if segment is None else (place, segment[place.row])

    def _segment(self, name: str) -> Pixels | None:
        if name not in self._segments:
            self._segments[name] = open_segment(self.folder / name)
        return self._segments[name]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the mapped files, which pickle would copy."""
        return {**self.__dict__, "_segments": {}}
