"""Arrays of a ``.npz`` file, read one by one: no pickles, and nothing larger than the file announces.

Some data sets keep image and label of a frame in one such file, beside arrays that are much larger. Only the
member that is asked for is read. `data.image_files` takes such a file for the image in it.
"""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import IMAGE_BYTES, IMAGE_PIXELS, TEXT_BYTES
from hinted_posenet.core.text import check_file, reading

SUFFIX = ".npz"
FILE_BYTES = 8 * IMAGE_BYTES  # an image, its points in space, a mesh
MOST_BYTES = TEXT_BYTES  # of one array
NPY = b"\x93NUMPY"
IMAGES = ("image_query", "image")  # as the readers' data sets name them
FIX = "fetch the file again"
SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

Members = Mapping[str, Callable[[], IO[bytes]]]  # name -> what opens the array


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        count = self.dtype.itemsize
        for side in self.shape:
            count *= side
        return count


class Label(NamedTuple):
    """What is in a file beside the pixels."""

    arrays: dict[str, NDArray[Any]]
    # (width, height) in pixels of the image; None: it has none, or an empty one
    size: tuple[int, int] | None


def read_label(path: Path, names: Sequence[str]) -> Label:
    """Read those arrays of a file that it has among ``names``, and the size of its image.

    Raises:
        InputError: It is no such file, or one of them is damaged, too large, or holds objects.
    """
    with _members(path) as members:
        size = None
        for name in IMAGES:
            if name in members:
                with members[name]() as file:
                    header = _header(file, f"{path} {name}")
                    if 0 not in header.shape:
                        height, width, _ = _image(header, f"{path} {name}").shape
                        size = width, height
                break
        return Label(_read(members, names, path), size)


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read those arrays of a file that it has among ``names``, see `read_label`."""
    with _members(path) as members:
        return _read(members, names, path)


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels of the image in a file, from its header alone."""
    with _members(path) as members:
        name = _image_in(members, path)
        with members[name]() as file:
            shape = _image(_header(file, f"{path} {name}"), f"{path} {name}").shape
    return shape[1], shape[0]


def image_content(path: Path) -> bytes:
    """Return the image in a file as the content of an ``.npy`` file, without the other arrays."""
    with _members(path) as members:
        name = _image_in(members, path)
        with members[name]() as file:
            header = _image(_header(file, f"{path} {name}"), f"{path} {name}")
            start = file.tell()
            file.seek(0)
            content = file.read(start + header.bytes)
    return content


def image_pixels(content: bytes, path: Path) -> NDArray[np.uint8]:
    """Return the image of `image_content` as RGB uint8 (H, W, 3)."""
    with _one_line(path):
        file = io.BytesIO(content)
        _image(_header(file, str(path)), str(path))
        file.seek(0)
        return np.asarray(_array(file, str(path), IMAGE_BYTES), np.uint8)


def _read(members: Members, names: Sequence[str], path: Path) -> dict[str, NDArray[Any]]:
    found = {}
    for name in names:
        if name in members:
            with members[name]() as file:
                found[name] = _array(file, f"{path} {name}", MOST_BYTES)
    return found


@contextmanager
def _members(path: Path) -> Iterator[Members]:
    """Open a file, and give what opens each of its arrays, by name."""
    check_file(path, FILE_BYTES, FIX)
    with reading(path, FIX), _one_line(path), zipfile.ZipFile(path) as archive:
        yield {
            name.removesuffix(".npy"): partial(archive.open, name)
            for name in archive.namelist()
            if name.endswith(".npy")
        }


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    # a header is Python's notation, which NumPy splits into tokens
    except (*SPOILT, KeyError, SyntaxError, TokenError, MemoryError, UnicodeError) as error:
        text = " ".join(str(error).split())[:100]
        raise InputError(f"{path}: not a readable .npz file ({text or 'cut off'}); {FIX}") from None


def _header(file: IO[bytes], where: str) -> _Header:
    version = npy.read_magic(file)
    if version == (1, 0):
        header = _Header(*npy.read_array_header_1_0(file))
    elif version == (2, 0):
        header = _Header(*npy.read_array_header_2_0(file))
    else:
        raise InputError(f"{where}: an array of version {version}, expected 1.0; {FIX}")
    if header.dtype.hasobject:
        raise InputError(f"{where}: holds Python objects, expected numbers or text; {FIX}")
    if any(side < 0 for side in header.shape):
        raise InputError(f"{where}: shape {header.shape} is none; {FIX}")
    return header


def _array(file: IO[bytes], where: str, most_bytes: int) -> NDArray[Any]:
    header = _header(file, where)
    if header.bytes > most_bytes:
        raise InputError(
            f"{where}: shape {header.shape}, more than the {most_bytes / 1e6:,.0f} MB that it may have; {FIX}"
        )
    content = file.read(header.bytes)
    if len(content) < header.bytes:
        raise InputError(f"{where}: cut off; {FIX}")
    if not header.bytes:
        return np.zeros(header.shape, header.dtype)
    values = np.frombuffer(content, header.dtype)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def _image_in(members: Members, path: Path) -> str:
    for name in IMAGES:
        if name in members:
            return name
    raise InputError(f"{path}: has no image (an array {' or '.join(IMAGES)}); {FIX}")


def _image(header: _Header, where: str) -> _Header:
    """Refuse a header that is of no image."""
    if len(header.shape) != 3 or header.shape[2] != 3 or header.dtype != np.uint8:
        raise InputError(
            f"{where}: {header.dtype} of shape {header.shape}, expected an image, uint8 (H, W, 3); {FIX}"
        )
    if header.shape[0] * header.shape[1] > IMAGE_PIXELS:
        most = f"{IMAGE_PIXELS / 1e6:.0f} million pixels"
        raise InputError(f"{where}: more than the {most} that an image may have; shrink it")
    if not header.bytes:
        raise InputError(f"{where}: an empty image; {FIX}")
    return header
