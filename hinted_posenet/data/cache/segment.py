"""Images into the cache: read, hashed, decoded where that is new; one segment of them at a time."""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from hashlib import blake2b
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.cache.decoded_images import Origin, Pixels, Place, segment_path
from hinted_posenet.data.cache.index import File, ImageIndex, Segment, file_state, image_key
from hinted_posenet.data.images import decode, fitted, read_bytes


class Loaded(NamedTuple):
    """A source file that was read."""

    file: File
    key: bytes
    size: tuple[int, int] | None  # (width, height) as stored; None where its key is known
    pixels: Pixels | None  # (3, H, W), where they are to be kept


def add_segment(
    index: ImageIndex,
    views: Mapping[Origin, View],
    shape: tuple[int, int],
    title: str,
    keep: bool,
    pool: Executor,
    progress: "tqdm[object]",
) -> tuple[dict[Origin, Place], dict[Origin, str]]:
    """Read some files, enter them in the index, and write what is new and to be kept as one segment.

    Args:
        index: To add to, by the holder of the lock.
        views: At most as many as a segment holds.
        shape: (height, width) of the decoded images.
        title: Of the segment.
        keep: Whether to keep pixels, or only what was checked.
        pool: That decodes.
        progress: To update.

    Returns:
        Where each lies, and what is wrong with those that could not be read.
    """
    known = index.places()
    enough = {key for key, place in known.items() if place.segment or not keep}
    placed: dict[Origin, Place] = {}
    bad: dict[Origin, str] = {}
    decoded: dict[Origin, Loaded] = {}
    files: list[File] = []
    jobs = pool.map(lambda origin: _load(origin, views[origin], shape, enough, keep), views)
    for origin, loaded in zip(views, jobs, strict=True):
        progress.update()
        if isinstance(loaded, InputError):
            bad[origin] = str(loaded)
            continue
        files.append(loaded.file)
        if loaded.size is None:
            placed[origin] = known[loaded.key]
        else:
            decoded[origin] = loaded
    pixels = [loaded.pixels for loaded in decoded.values() if loaded.pixels is not None]
    segment = _write(index, title, pixels) if pixels else None
    name = segment.name if segment else None
    new: dict[bytes, Place] = {}
    for row, (origin, loaded) in enumerate(decoded.items()):
        assert loaded.size
        placed[origin] = new[loaded.key] = Place(*loaded.size, name, row)
    index.add(files, new, segment)
    return placed, bad


def _load(
    origin: Origin, view: View, shape: tuple[int, int], known: Collection[bytes], keep: bool
) -> Loaded | InputError:
    """Read a file, and decode it unless its key is known."""
    state = file_state(origin.path)  # before reading: a change meanwhile is seen next time
    try:
        data = read_bytes(view.image)
        content = blake2b(data, digest_size=16).digest()
        file, key = File(origin.path, state, content), image_key(content, origin.lens, shape)
        if key in known:
            return Loaded(file, key, None, None)
        image = decode(data, view.image)
    except InputError as error:
        return error
    pixels = np.ascontiguousarray(fitted(view, image, *shape)) if keep else None
    return Loaded(file, key, (image.shape[1], image.shape[0]), pixels)


def _write(index: ImageIndex, title: str, images: Sequence[Pixels]) -> Segment:
    """Write images (3, H, W) as one file, safe on disk before it has its name."""
    _, height, width = images[0].shape
    segment = Segment(uuid4().hex, title, height, width, len(images), time.time_ns())
    path = segment_path(index.folder, (height, width), segment.name)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(images), *images[0].shape)}
    with partial.open("wb") as file:  # not through memory: a full disk would end the process there
        np.lib.format.write_array_header_1_0(file, header)
        for image in images:
            file.write(image.data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return segment
