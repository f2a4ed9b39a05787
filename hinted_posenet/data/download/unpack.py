"""Zip files unpacked safely: paths stay inside the folder, sizes within limits, nested archives too."""

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.download.transfer import check_space

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


# NotImplementedError: packed in a way that Python does not know
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class DamagedArchiveError(InputError):
    """A zip file, or a file in it, that is not as it was packed."""


def unpack(archive: Path, folder: Path, inside: str = "", limits: Limits | None = None) -> Limits:
    """Unpack one folder of a zip file.

    Files get their name when they are whole and their checksum (CRC) is right, so a second run leaves
    those that are there. Zips in the zip are unpacked where they lie, and removed.

    Args:
        archive: The zip file.
        folder: Receives the files; what else is there remains.
        inside: Folder of the zip file that becomes ``folder``, "" for all of it.
        limits: On what is unpacked; None takes those of `Limits`.

    Returns:
        What is left of the limits.

    Raises:
        InputError: a harmful path or size, or no room on the disk.
        DamagedArchiveError: the zip file is broken.
    """
    limits = limits or Limits()
    if not limits.depth:
        raise InputError(f"{archive.name}: is a zip in a zip in a zip; refused as a zip bomb")
    try:
        found = _unpack_one(archive, folder, inside, limits)
    except DAMAGED as error:
        raise DamagedArchiveError(f"{archive.name}: is damaged ({error})") from None
    left = limits._replace(
        files=limits.files - len(found),
        bytes=limits.bytes - sum(member.info.file_size for member in found),
        depth=limits.depth - 1,
    )
    inner = [folder / member.path for member in found if _is_zip(member)]
    for path in tqdm(inner, f"unpack zips of {archive.name}", unit="zip", disable=not inner):
        if path.stat().st_size:
            left = unpack(path, path.parent, limits=left)
            path.write_bytes(b"")  # tells a second run that its files are there
    for path in inner:
        path.unlink()
    return left._replace(depth=limits.depth)


def _unpack_one(archive: Path, folder: Path, inside: str, limits: Limits) -> list[Member]:
    """Unpack what a zip file holds, but no zips in it."""
    with zipfile.ZipFile(archive) as file:
        found = members(file, archive.name, inside, limits)
        folder.mkdir(parents=True, exist_ok=True)
        todo = [member for member in found if not _is_there(member, folder)]
        size = sum(member.info.file_size for member in todo)
        check_space(folder, size, f"unpacking {archive.name}")
        bar = tqdm(total=size, unit="B", unit_scale=True, desc=f"unpack {archive.name}", delay=1)
        with bar:
            for member in todo:
                _extract(file, member.info, folder / member.path)
                bar.update(member.info.file_size)
    return found


def _is_there(member: Member, folder: Path) -> bool:
    path = folder / member.path
    if not path.is_file():
        return False
    size = path.stat().st_size
    return size == member.info.file_size or (size == 0 and _is_zip(member))


def _is_zip(member: Member) -> bool:
    return member.path.suffix.lower() == ".zip"


def _extract(file: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    with file.open(info) as source, unfinished.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    unfinished.replace(target)
