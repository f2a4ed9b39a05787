"""Images decoded and resized once and kept on disk; every file is checked on the way.

Segments, files ``<H>x<W>/<title>-<id>.npy`` of images (N, 3, H, W), are written once and never change. The index,
a JSON file, says which file, by its content, lies in which row of which segment. A source file whose size and
times are those of its last reading is taken to be the same; otherwise its content is hashed, and decoded only if
that is new. A segment that a killed process did not enter in the index stays until its space is needed.
"""

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write, write_text
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cache.decoded_images import (
    DecodedImages,
    Origin,
    Pixels,
    Place,
    open_segment,
    origin_of,
)
from hinted_posenet.data.cache.folder import locked, make_room, segment_name
from hinted_posenet.data.decode import BITS, eight_bits, folder_bits
from hinted_posenet.data.image_files import read_bytes, stored_pixels
from hinted_posenet.data.images import fitted

INDEX = "index-2.json"  # raise the number when its structure changes
PIXELS = 2  # raise when the same file gives other pixels
# held twice in memory while decoding, and the most that a killed process loses
SEGMENT_BYTES = 128 * 2**20
TICK_NS = 2 * 10**9  # the coarsest step in which file systems count time

log = logging.getLogger(__name__)


class Index(NamedTuple):
    """What is known of source files and of decoded images."""

    # path -> size and times at its last reading, see `_file_state`, and hash of its content, see `_scaled`
    files: dict[str, tuple[str, str]]
    images: dict[str, Place]  # by `_key`


class Loaded(NamedTuple):
    """A source file that was read."""

    state: str  # its size and times
    content: str  # hash
    key: str
    decoded: tuple[Place, Pixels | None] | None  # None where its key is known


class ImageCache:
    """Decoded images in a folder of bounded size, which any number of processes may use.

    Args:
        folder: Folder of decoded images; made where it is missing.
        limit_gb: Most that they take on disk. The least recently used make room; what does not fit is decoded on
            access. 0 keeps no images, only what was checked.
        threads: Threads that decode; None takes one per core.
    """

    def __init__(self, folder: Path, limit_gb: float, threads: int | None = None) -> None:
        self.folder = Path(folder)
        self.limit_gb = limit_gb
        self.threads = threads or os.cpu_count() or 1

    def fill(
        self, views: Sequence[View], height: int, width: int, title: str
    ) -> tuple[DecodedImages, list[Fault]]:
        """Decode what is missing, and report files that are missing, unreadable or of a wrong size.

        Every file is decoded once and then known as checked, also where its pixels are not kept. A second
        process waits for the first and finds its images. ``views`` are all that are used at one size, of any
        split and scene; ``title`` names them in the progress bar and in lists of what the cache holds.

        Raises:
            InputError: The folder cannot be written.
        """
        by_origin = {origin_of(view): view for view in views}
        how = (by_origin, (height, width), self.limit_gb > 0)
        bad: dict[Origin, str] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            index = _read_index(self.folder)
            places = _find(index, *how)
            if len(places) < len(by_origin):
                with locked(self.folder):  # others may have filled or cleared it meanwhile
                    index = _read_index(self.folder)
                    places = _find(index, *how)
                    bad = self._decode(index, by_origin, places, (height, width), title)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error}); set paths.cache to another folder"
            ) from None
        for name in {place.segment for place in places.values() if place.segment}:
            with suppress(OSError):  # removed by another process, or a folder to read only
                os.utime(self.folder / name)
        bad |= _wrong_sizes(by_origin, places)
        faults = [Fault(view.name, bad[key]) for view in views if (key := origin_of(view)) in bad]
        contents = {origin.path: index.files[origin.path][1] for origin in places}
        return DecodedImages(self.folder, (height, width), places, contents), faults

    def _decode(
        self,
        index: Index,
        views: Mapping[Origin, View],
        places: dict[Origin, Place],
        shape: tuple[int, int],
        title: str,
    ) -> dict[Origin, str]:
        """Decode what is missing and add its places, segment by segment; return what is wrong with the rest."""
        bad: dict[Origin, str] = {}
        missing = [origin for origin in views if origin not in places]
        image_bytes = 3 * shape[0] * shape[1]
        step = max(1, SEGMENT_BYTES // image_bytes)
        keep = self.limit_gb > 0
        with (
            ThreadPoolExecutor(self.threads) as pool,
            tqdm(total=len(missing), desc=f"decode {title}", unit="image") as progress,
        ):
            for first in range(0, len(missing), step):
                batch = missing[first : first + step]
                in_use = {place.segment for place in places.values()}
                room = (image_bytes * len(batch), round(self.limit_gb * 1e9), in_use)
                if keep and not make_room(self.folder, *room):
                    keep = False
                    log.warning(
                        "%s: %d of %d images are decoded anew each time: image_cache_gb=%g, or the disk of "
                        "%s, has no room for them; raise it, or set paths.cache to another disk",
                        *(title, len(missing) - first, len(views), self.limit_gb, self.folder),
                    )
                if not keep:
                    places |= _find(index, batch, shape, keep)
                    batch = [origin for origin in batch if origin not in places]
                load = partial(_load, index=index, shape=shape, keep=keep)
                results = pool.map(load, batch, [views[origin] for origin in batch])
                loaded: dict[Origin, Loaded] = {}
                for origin, result in zip(batch, results, strict=True):
                    progress.update()
                    if isinstance(result, Loaded):
                        loaded[origin] = result
                    else:
                        bad[origin] = str(result)
                self._enter(index, loaded, title)
                places |= {origin: index.images[result.key] for origin, result in loaded.items()}
        return bad

    def _enter(self, index: Index, loaded: Mapping[Origin, Loaded], title: str) -> None:
        """Write the new images as one segment, and enter them and all files in the index."""
        new = {found.key: found.decoded for found in loaded.values() if found.decoded}
        pixels = [image for _, image in new.values() if image is not None]
        segment = None
        if pixels:
            segment = segment_name(title, *pixels[0].shape[1:])
            with atomic_write(self.folder / segment) as path:
                np.save(path, np.stack(pixels))
        for row, (key, (place, _)) in enumerate(new.items()):
            index.images[key] = place._replace(segment=segment, row=row)
        for origin, found in loaded.items():
            index.files[origin.path] = (found.state, found.content)
        write_text(self.folder / INDEX, json.dumps(index._asdict()))


def _read_index(folder: Path) -> Index:
    """Read the index, empty where it is missing or damaged; segments that are gone or damaged do not count."""
    try:
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        images = {key: Place(*place) for key, place in content["images"].items()}
        files = {path: (state, hash_) for path, (state, hash_) in content["files"].items()}
    except FileNotFoundError:
        return Index({}, {})
    except (ValueError, KeyError, TypeError):
        log.warning("%s: the index is damaged, so images are decoded anew", folder)
        return Index({}, {})
    names = {place.segment for place in images.values() if place.segment}
    damaged = {name for name in names if open_segment(folder / name) is None}
    for key, place in images.items():
        if place.segment in damaged:
            images[key] = place._replace(segment=None)
    return Index(files, images)


def _find(
    index: Index, views: Iterable[Origin], shape: tuple[int, int], keep: bool
) -> dict[Origin, Place]:
    """Return the places of unchanged files that were checked and, if they are to be, kept."""
    found = {}
    for origin in views:
        state, content = index.files.get(origin.path, ("", ""))
        place = index.images.get(_key(content, origin.lens, shape))
        unchanged = state == _file_state(origin.path) != ""
        if place and (place.segment or not keep) and unchanged:
            digest, deep, _ = content.partition("@")
            if content == _scaled(digest, bool(deep), Path(origin.path)):
                found[origin] = place
    return found


def _load(
    origin: Origin, view: View, index: Index, shape: tuple[int, int], keep: bool
) -> Loaded | InputError:
    """Read a file, and decode it unless its content is known."""
    state = _file_state(origin.path)  # before reading: a change meanwhile is seen next time
    try:
        data = read_bytes(view.image)
        digest = blake2b(data, digest_size=16).hexdigest()
        deep = any(_key(f"{digest}@{bits}", origin.lens, shape) in index.images for bits in BITS)
        content = _scaled(digest, deep, view.image)
        key = _key(content, origin.lens, shape)
        place = index.images.get(key)
        if place and (place.segment or not keep):
            return Loaded(state, content, key, None)
        stored = stored_pixels(data, view.image)
        content = _scaled(digest, stored.dtype == np.uint16, view.image)
        key = _key(content, origin.lens, shape)
        image = eight_bits(stored, view.image)
    except InputError as error:
        return error
    pixels = np.ascontiguousarray(fitted(view, image, *shape)) if keep else None
    return Loaded(state, content, key, (Place(image.shape[1], image.shape[0], None, 0), pixels))


def _scaled(digest: str, deep: bool, path: Path) -> str:
    """Return the hash of a file and, of an image of 16 bits, the bits by which it becomes one of 8."""
    return f"{digest}@{folder_bits(path)}" if deep else digest


def _key(content: str, lens: str, shape: tuple[int, int]) -> str:
    """Hash all that decides the decoded pixels (3, *shape)."""
    made_from = repr((PIXELS, cv2.__version__, content, lens, shape))
    return blake2b(made_from.encode(), digest_size=16).hexdigest()


def _file_state(path: str) -> str:
    """Return size and times of a file, which reveal any change of its content, as nobody can set ctime.

    Empty, which reveals nothing, where it is missing, or changed so recently that another change might leave the
    times as they are.
    """
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return ""
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < TICK_NS:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _wrong_sizes(views: Mapping[Origin, View], places: Mapping[Origin, Place]) -> dict[Origin, str]:
    """Report images of another size than their K is for, or than the first of the same sequence and K."""
    wrong: dict[Origin, str] = {}
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for origin, view in views.items():
        if origin not in places:
            continue
        size = places[origin].width, places[origin].height
        camera = view.sequence, str(view.K.tolist())
        expected = view.size or first.setdefault(camera, size)
        if size != expected:
            whose = "as its camera says" if view.size else "as the first image of its sequence"
            wrong[origin] = (
                f"{view.image}: is {size[0]}x{size[1]}, expected {expected[0]}x{expected[1]} {whose}; "
                "write it in that size, or exclude it"
            )
    return wrong
