"""Zip files to a folder, zips in them too; a stopped run goes on with the file that it stopped in."""

import shutil
import zipfile
import zlib
from pathlib import Path

from tqdm import tqdm

from hinted_posenet.fetch.space import check_space
from hinted_posenet.fetch.zip_directory import Limits, Member, members
from hinted_posenet.types import InputError

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
