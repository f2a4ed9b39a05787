"""What a zip file may hold before any of it is unpacked: paths that stay inside, sizes within limits."""

import re
import stat
import zipfile
from pathlib import PurePosixPath
from typing import NamedTuple

from hinted_posenet.types import InputError

JUNK = ("Thumbs.db", ".DS_Store", "__MACOSX")  # of desktops; in published archives some are damaged


class Limits(NamedTuple):
    """Far above every published scene, far below what fills a disk."""

    files: int = 500_000  # redkitchen: 36,000
    bytes: int = 200 * 10**9  # redkitchen: 6 GB
    ratio: float = 200.0  # unpacked to packed, of a file above 1 MB; images hardly shrink
    depth: int = 2  # zips in a zip, as 7-Scenes has them


class Member(NamedTuple):
    """A file in a zip file."""

    info: zipfile.ZipInfo
    path: PurePosixPath  # relative to the folder that is unpacked


def members(archive: zipfile.ZipFile, name: str, inside: str, limits: Limits) -> list[Member]:
    """The files of one folder of a zip file, once all of the zip file is found harmless.

    Args:
        archive: The zip file.
        name: What errors call it.
        inside: The folder, "" for all.
        limits: On what is unpacked.

    Raises:
        InputError: a path leaves the folder or is no plain file, a limit is passed, or the folder is
            not there.
    """
    found: list[Member] = []
    for info in archive.infolist():
        if any(part.startswith(JUNK) for part in info.filename.split("/")):
            continue
        path = _safe_path(info, name)
        if info.is_dir():  # 7-Scenes states wrong sizes of folders
            continue
        if path.is_relative_to(inside):
            found.append(Member(info, path.relative_to(inside)))
    if not found:
        tops = sorted({info.filename.partition("/")[0] for info in archive.infolist()})
        raise InputError(f"{name}: holds no folder {inside}; it holds {', '.join(tops[:10])}")
    _check_names(found, name)
    for info, _ in found:
        if info.file_size > max(10**6, limits.ratio * info.compress_size):
            raise InputError(
                f"{name}: {info.filename} grows from {info.compress_size:,} to {info.file_size:,} "
                "bytes, more than any data; refused as a zip bomb"
            )
    size = sum(info.file_size for info, _ in found)
    if len(found) > limits.files or size > limits.bytes:
        raise InputError(
            f"{name}: holds {len(found):,} files of {size:,} bytes, more than {limits.files:,} files "
            f"or {limits.bytes:,} bytes; refused as a zip bomb"
        )
    return found


def _safe_path(info: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """The path of an entry, if it stays inside and is a plain file or folder."""
    path = PurePosixPath(info.filename)
    # drives, streams and separators of Windows, which other systems take for part of a name
    if path.is_absolute() or ".." in path.parts or re.search(r'[\\:*?"<>|\x00-\x1f]', str(path)):
        raise InputError(f"{name}: {info.filename!r} leads out of the folder; nothing is unpacked")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            f"{name}: {info.filename!r} is a link or a device, no file; nothing is unpacked"
        )
    if info.flag_bits & 1:
        raise InputError(f"{name}: {info.filename!r} is encrypted; nothing is unpacked")
    return path


def _check_names(found: list[Member], name: str) -> None:
    """Two files of one name, or a file that is another's folder, would overwrite each other."""
    files: set[PurePosixPath] = set()
    for info, path in found:
        if path in files or any(parent in files for parent in path.parents):
            raise InputError(f"{name}: {info.filename!r} is there twice; nothing is unpacked")
        files.add(path)
