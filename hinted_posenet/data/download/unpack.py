"""Zip files unpacked safely: paths stay inside the folder, sizes are plausible, nested archives too."""

import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.download.transfer import check_space

JUNK = ("Thumbs.db", ".DS_Store", "__MACOSX")  # of desktops; in published archives some are damaged
MAX_RATIO = 200  # unpacked to packed size, of a file above 1 MB; images hardly shrink
MAX_DEPTH = 2  # zips in a zip, as 7-Scenes has them
# of a whole archive above 100 MB: many small files that grow little each are a bomb too
TOTAL_RATIO, TOTAL_BYTES = 50, 10**8
MAX_FILES, MAX_BYTES = 500_000, 200 * 10**9  # in all; redkitchen has 36,000 files and 6 GB
# NotImplementedError: packed in a way that Python does not know
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error),
    *(IndexError, ValueError, OverflowError, RuntimeError),
)


class DamagedArchiveError(InputError):
    """A zip file, or a file in it, that is not as it was packed."""


class Brought:
    """What an archive and the zips in it bring in all: each file once, and from where."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files: dict[Path, str] = {}  # file -> name of the zip that has it
        self.folders: set[Path] = set()

    def add(self, name: str, found: dict[Path, zipfile.ZipInfo]) -> None:
        """Enter the files of a zip.

        Raises:
            InputError: Too many, too large, or one would take the place of another zip's.
        """
        for path in found:
            other = next((p for p in (path, *path.parents) if p in self.files), None)
            if other or path in self.folders:
                whose = self.files[other] if other else "a zip before it"
                raise InputError(
                    f"{name}: {path.name} would take the place of a file of {whose}; not unpacked"
                )
        self.files |= dict.fromkeys(found, name)
        self.folders |= {parent for path in found for parent in path.parents}
        self.bytes += sum(info.file_size for info in found.values())
        if len(self.files) > MAX_FILES or self.bytes > MAX_BYTES:
            raise InputError(
                f"{name}: brings the content to {len(self.files):,} files of {self.bytes:,} bytes, more than "
                f"{MAX_FILES:,} files or {MAX_BYTES:,} bytes; refused as a zip bomb"
            )


def unpack(
    archive: Path,
    folder: Path,
    inside: str = "",
    depth: int = MAX_DEPTH,
    brought: Brought | None = None,
) -> None:
    """Unpack the folder ``inside`` of a zip file, "" for all of it; what else is in ``folder`` remains.

    Files get their name when they are whole and their checksum (CRC) is right, so a second run leaves those
    that are there. Zips in the zip are unpacked where they lie, and removed: ``depth`` levels may follow, this
    one included. ``brought`` is what the zips around this one and before it bring; None for the outermost.

    Raises:
        InputError: A harmful path, size or number of files, or no room on the disk.
        DamagedArchiveError: The zip file is broken.
    """
    if not depth:
        raise InputError(f"{archive.name}: is a zip in a zip in a zip; refused as a zip bomb")
    brought = brought or Brought()
    try:
        with zipfile.ZipFile(archive) as file:
            found = _members(file, archive.name, folder, inside)
            brought.add(archive.name, found)
            _check_total(archive, [info for info in file.infolist() if not info.is_dir()])
            _extract(file, archive.name, folder, found)
    except InputError:
        raise
    except DAMAGED as error:
        raise DamagedArchiveError(f"{archive.name}: is damaged ({error})") from None
    inner = [path for path in found if _is_zip(path)]
    for path in tqdm(inner, f"unpack zips of {archive.name}", unit="zip", disable=not inner):
        if path.stat().st_size:
            unpack(path, path.parent, depth=depth - 1, brought=brought)
            path.write_bytes(b"")  # tells a second run that its files are there
    for path in inner:
        path.unlink()


def _members(
    archive: zipfile.ZipFile, name: str, folder: Path, inside: str
) -> dict[Path, zipfile.ZipInfo]:
    """Return what to write where, once all of the zip file is found harmless."""
    found: dict[Path, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if any(part.startswith(JUNK) for part in info.filename.split("/")):
            continue
        if harm := _harm(info):
            raise InputError(f"{name}: {info.filename!r} {harm}; nothing is unpacked")
        path = PurePosixPath(info.filename)
        if path.is_relative_to(inside) and not info.is_dir():
            target = folder / path.relative_to(inside)
            if target in found or not found.keys().isdisjoint(target.parents):
                raise InputError(f"{name}: {info.filename!r} is there twice; nothing is unpacked")
            found[target] = info
    if not found:
        tops = sorted({info.filename.partition("/")[0] for info in archive.infolist()})
        raise InputError(f"{name}: holds no folder {inside}; it holds {', '.join(tops[:10])}")
    return found


def _check_total(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose files share their bytes, or grow together as no data do."""
    packed, size = archive.stat().st_size, sum(member.file_size for member in members)
    if sum(member.compress_size for member in members) > packed:
        raise InputError(f"{archive.name}: its files overlap; refused as a zip bomb")
    if size > max(TOTAL_BYTES, TOTAL_RATIO * packed):
        raise InputError(
            f"{archive.name}: grows from {packed:,} to {size:,} bytes, more than any data; refused as a zip bomb"
        )


def _harm(info: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with an entry, if anything is."""
    path = PurePosixPath(info.filename)
    # drives, streams and separators of Windows, which other systems take for part of a name
    if path.is_absolute() or ".." in path.parts or re.search(r'[\\:*?"<>|\x00-\x1f]', str(path)):
        return "leads out of the folder"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, no file"
    if info.header_offset < 0:
        return "lies outside of the file"
    if info.flag_bits & 1:
        return "is encrypted"
    # 7-Scenes states wrong sizes of folders
    if not info.is_dir() and info.file_size > max(10**6, MAX_RATIO * info.compress_size):
        return (
            f"grows from {info.compress_size:,} to {info.file_size:,} bytes, more than any data; "
            "refused as a zip bomb"
        )
    return None


def _extract(
    archive: zipfile.ZipFile, name: str, folder: Path, found: dict[Path, zipfile.ZipInfo]
) -> None:
    """Write the files that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = {path: info for path, info in found.items() if not _is_there(path, info)}
    size = sum(info.file_size for info in todo.values())
    check_space(folder, size, f"unpacking {name}")
    with tqdm(total=size, unit="B", unit_scale=True, desc=f"unpack {name}", delay=1) as progress:
        for path, info in todo.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.part")
            with archive.open(info) as source, unfinished.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            unfinished.replace(path)
            progress.update(info.file_size)


def _is_there(path: Path, info: zipfile.ZipInfo) -> bool:
    sizes = (0, info.file_size) if _is_zip(path) else (info.file_size,)
    return path.is_file() and path.stat().st_size in sizes


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"
