"""Published data sets fetched scene by scene: downloaded, verified, unpacked and moved into place."""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml
from filelock import FileLock, Timeout

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text
from hinted_posenet.core.text import read_yaml
from hinted_posenet.core.types import Fault
from hinted_posenet.data.dataset_card import Archive, DatasetCard, counts_note, scene_card
from hinted_posenet.data.download.transfer import (
    UnavailableError,
    discard,
    finish,
    transfer,
    version_of,
)
from hinted_posenet.data.download.unpack import DamagedArchiveError, unpack
from hinted_posenet.data.formats.recognise import LAYOUTS
from hinted_posenet.data.read_scene import missing_images

ARCHIVES, PARTIAL, RECORD = "archives", "partial", "fetched.yaml"


class Fetched(NamedTuple):
    """An archive on disk, as the record beside the scene states it."""

    file: str
    url: str | None  # None: it was there already
    bytes: int
    sha256: str


class Outcome(NamedTuple):
    """What became of a scene."""

    scene: str
    message: str  # one line
    failed: bool


def fetch(
    card: DatasetCard,
    scenes: Sequence[str],
    root: Path,
    url: str | None = None,
    keep_archives: bool = False,
) -> Iterator[Outcome]:
    """Fetch scenes to ``root``, and yield what became of each as soon as that is known.

    A folder with the archives at ``url`` takes the place of the card's addresses. An archive is removed when
    the last of these scenes is unpacked from it, unless ``keep_archives``.

    Raises:
        InputError: There is no such scene, or another process fetches to the same folder.
    """
    needed = {scene: scene_card(card, scene).archives for scene in scenes}
    for scene, archives in needed.items():
        if not archives:
            raise InputError(f"{card.name}: {scene} is not for download; {card.readme} tells more")
    folder = root / ARCHIVES
    with _only_one(folder):
        failed: list[str] = []  # scenes that another call continues
        for scene in scenes:
            archives = needed.pop(scene, ())
            outcome = _fetch_one(card, scene, root, url)
            if outcome.failed:
                failed.extend(archive.file for archive in archives)
            later = {archive.file for others in needed.values() for archive in others}
            for archive in archives:
                if not keep_archives and archive.file not in later.union(failed):
                    (folder / archive.file).unlink(missing_ok=True)
            yield outcome


def _fetch_one(card: DatasetCard, scene: str, root: Path, url: str | None) -> Outcome:
    """Fetch a scene, unless it was fetched or unpacked by hand: then it is left as it is."""
    place = root / scene
    there = place.is_dir() and any(place.iterdir())
    try:
        if not there:
            _fetch_scene(card.scenes[scene].archives, root, scene, url)
        message = _completeness(card, root, scene) + "; was there" * there
        return Outcome(scene, message, failed=False)
    except InputError as error:
        hint = "; it was there already: move it away to fetch it" * there
        return Outcome(scene, f"{error}{hint}", failed=True)
    except OSError as error:  # disk full, or no right to write
        what = f"{error.filename or root}: {error.strerror or error}"
        return Outcome(scene, f"{what}; fix that, and give the same command", failed=True)


def _fetch_scene(archives: Sequence[Archive], root: Path, scene: str, url: str | None) -> None:
    """Fetch a scene that is not there; the archives remain, and after an error the same call continues."""
    folder = root / ARCHIVES
    partial = folder / PARTIAL / scene.replace("/", "-")
    _begin(partial, [download(archive, folder, url) for archive in archives])
    for archive in archives:
        try:
            unpack(folder / archive.file, partial, scene)
        except DamagedArchiveError as error:
            shutil.rmtree(partial)
            _record_of(partial).unlink()
            if archive.sha256 is not None:
                raise  # the published file; another download would be the same
            (folder / archive.file).unlink()
            raise InputError(f"{error}; removed, and fetched again next time") from None
    _record_of(partial).replace(
        partial / RECORD
    )  # in place of a file of that name from the archive
    place = root / scene
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rmdir()  # empty
    partial.rename(place)
    if not any(partial.parent.iterdir()):
        partial.parent.rmdir()


def _begin(partial: Path, fetched: list[Fetched]) -> None:
    """Make a folder that belongs to these very archives; what was unpacked of others is removed.

    The record of them lies beside the folder while it is filled, where no archive can write.
    """
    record = _record_of(partial)
    if _sha256_in(record) == [one.sha256 for one in fetched] and _is_plain(partial):
        return
    if partial.is_symlink():
        partial.unlink()
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    content: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "archives": [archive._asdict() for archive in fetched],
    }
    write_text(record, yaml.safe_dump(content, sort_keys=False))


def _record_of(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.{RECORD}")


def _sha256_in(record: Path) -> list[Any]:
    """Return the hashes of the archives that a record names; none where it is missing or damaged."""
    try:
        return [archive["sha256"] for archive in read_yaml(record)["archives"]]
    except (InputError, TypeError, KeyError):
        return []


def _is_plain(folder: Path) -> bool:
    """Return whether a folder is there without links, which would lead what is written out of it."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return not any(path.is_symlink() for path in folder.rglob("*"))


def download(archive: Archive, folder: Path, url: str | None = None) -> Fetched:
    """Fetch an archive to a folder, or take what is there of it, also one that was fetched by hand.

    A folder that has it at ``url`` takes the place of the card's addresses.

    Raises:
        InputError: No address gives the right file, or there is no room for it; what was fetched of it remains,
            and is continued the next time.
    """
    target, partial = folder / archive.file, folder / f"{archive.file}.partial"
    if target.is_file():
        fetched, wrong = _identify(archive, target, None)
        if wrong:
            raise InputError(f"{target}: {wrong}; remove it, and it is fetched again")
        return fetched
    folder.mkdir(parents=True, exist_ok=True)
    begun = version_of(partial)
    addresses = (f"{url.rstrip('/')}/{archive.file}",) if url else archive.urls
    reasons = []
    with requests.Session() as session:
        # first the address that some of it is from
        for address in sorted(addresses, key=lambda address: not (begun and begun.url == address)):
            try:
                transfer(session, address, partial, archive.bytes)
            except UnavailableError as error:
                reasons.append(f"{address}: {error}")
                continue
            fetched, wrong = _identify(archive, partial, address)
            if not wrong:
                finish(partial, target)
                return fetched
            discard(partial)
            reasons.append(f"{address}: {wrong}")
    raise InputError(f"{archive.file}: not fetched ({'; '.join(reasons)})")


def _identify(archive: Archive, path: Path, url: str | None) -> tuple[Fetched, str | None]:
    """Identify a file, and say in what it differs from what the card says, if it does."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found, wrong = Fetched(archive.file, url, path.stat().st_size, sha256), None
    if archive.bytes not in (None, found.bytes):
        wrong = f"has {found.bytes:,} bytes, expected {archive.bytes:,}"
    elif archive.sha256 not in (None, sha256):
        wrong = f"has the sha256 {sha256}, expected {archive.sha256}"
    elif not zipfile.is_zipfile(path):
        wrong = f"has {found.bytes:,} bytes that are no whole zip file"
    return found, wrong


def _completeness(card: DatasetCard, root: Path, scene: str) -> str:
    """Compare the number of frames, those with a missing or wrong pose included, with the card in a line."""
    read_views = next(layout.read_views for layout in LAYOUTS if layout.name == card.name)
    found = {}
    for split in ("train", "test"):
        faults: list[Fault] = []
        views = read_views(root, scene, split, faults=faults)
        found[split] = len(views) + len(faults) - len(missing_images(views))
    counts = " and ".join(f"{count} {split}" for split, count in found.items())
    known = ", as the card says" if card.scenes[scene].frames else ""
    return counts_note(card, scene, found) or f"{scene}: {counts} frames{known}"


@contextmanager
def _only_one(archives: Path) -> Iterator[None]:
    """Keep other processes out; the folder is removed when nothing is left in it."""
    lock = FileLock(archives / "lock", timeout=0)
    try:
        archives.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:  # Timeout is one too
        why = "another process fetches to it" if isinstance(error, Timeout) else error.strerror
        raise InputError(f"{archives}: not writable ({why}); set another root=DIR") from None
    try:
        yield
    finally:
        (archives / "lock").unlink(missing_ok=True)
        lock.release()
        if not any(archives.iterdir()):
            archives.rmdir()
