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
from hinted_posenet.core.types import Fault
from hinted_posenet.data.dataset_card import (
    Archive,
    DatasetCard,
    SceneCard,
    counts_note,
    scene_card,
)
from hinted_posenet.data.download.transfer import PartialFile, UnavailableError, transfer
from hinted_posenet.data.download.unpack import DamagedArchiveError, unpack
from hinted_posenet.data.formats.recognise import LAYOUTS
from hinted_posenet.data.splits import missing_images


class Fetched(NamedTuple):
    """An archive on disk, as it is written down beside the scene."""

    file: str
    url: str | None  # None: it was there already
    bytes: int
    sha256: str


def download(archive: Archive, folder: Path, url: str | None = None) -> Fetched:
    """Fetch an archive, or take what is there of it.

    Args:
        archive: What the card says of it.
        folder: Where it goes, and where an archive that was fetched by hand is found.
        url: Address of a folder that has it, instead of the card's addresses.

    Raises:
        InputError: no address gives the right file, or there is no room for it; what was fetched of it
            remains, and is continued the next time.
    """
    target = folder / archive.file
    if target.is_file():
        fetched = _identify(target)
        if wrong := _wrong(archive, target, fetched):
            raise InputError(f"{target}: {wrong}; remove it, and it is fetched again")
        return fetched
    folder.mkdir(parents=True, exist_ok=True)
    partial = PartialFile(target)
    begun = partial.version
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
            fetched = _identify(partial.path)
            wrong = _wrong(archive, partial.path, fetched)
            if not wrong:
                partial.finish()
                return fetched._replace(file=archive.file, url=address)
            partial.discard()
            reasons.append(f"{address}: {wrong}")
    raise InputError(f"{archive.file}: not fetched ({'; '.join(reasons)})")


def _identify(path: Path) -> Fetched:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Fetched(path.name, None, path.stat().st_size, sha256)


def _wrong(archive: Archive, path: Path, found: Fetched) -> str | None:
    """In what a file differs from what the card says, if it does."""
    if archive.bytes not in (None, found.bytes):
        return f"has {found.bytes:,} bytes, expected {archive.bytes:,}"
    if archive.sha256 not in (None, found.sha256):
        return f"has the sha256 {found.sha256}, expected {archive.sha256}"
    if not zipfile.is_zipfile(path):
        return f"has {found.bytes:,} bytes that are no whole zip file"
    return None


ARCHIVES = "archives"
PARTIAL = "partial"
RECORD = "fetched.yaml"


def is_there(root: Path, scene: str) -> bool:
    """Whether the scene was fetched or unpacked by hand: then it is left as it is."""
    folder = root / scene
    return folder.is_dir() and any(folder.iterdir())


def fetch_scene(card: SceneCard, root: Path, scene: str, url: str | None) -> None:
    """Fetch a scene that is not there; the archives remain.

    Args:
        card: Of the scene.
        root: Folder of the data set.
        scene: Name of the scene, and of its folder in the archives.
        url: Address of a folder with the archives, instead of the card's addresses.

    Raises:
        InputError: what went wrong; the same call goes on from there.
    """
    folder = root / ARCHIVES
    fetched = [download(archive, folder, url) for archive in card.archives]
    partial = folder / PARTIAL / scene.replace("/", "-")
    _begin(partial, fetched)
    for archive in card.archives:
        try:
            unpack(folder / archive.file, partial, scene)
        except DamagedArchiveError as error:
            shutil.rmtree(partial)
            if archive.sha256 is not None:
                raise  # the published file; another download would be the same
            (folder / archive.file).unlink()
            raise DamagedArchiveError(f"{error}; removed, and fetched again next time") from None
    place = root / scene
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rmdir()  # empty
    partial.rename(place)
    if not any(partial.parent.iterdir()):
        partial.parent.rmdir()


def _begin(partial: Path, fetched: list[Fetched]) -> None:
    """A folder that belongs to these very archives; what was unpacked of others is removed."""
    record = partial / RECORD
    known = yaml.safe_load(record.read_text(encoding="utf-8")) if record.is_file() else {}
    if [archive["sha256"] for archive in known.get("archives", [])] == [f.sha256 for f in fetched]:
        return
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    content: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "archives": [archive._asdict() for archive in fetched],
    }
    record.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


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
    """Fetch scenes; yields what became of each when that is known.

    Args:
        card: Of the data set.
        scenes: Names of its scenes.
        root: Folder that receives them.
        url: Address of a folder with the archives, instead of the card's addresses.
        keep_archives: Do not remove an archive when the last of these scenes is unpacked from it.

    Raises:
        InputError: no such scene, or another process fetches to the same folder.
    """
    needed = [{archive.file for archive in scene_card(card, scene).archives} for scene in scenes]
    archives = root / ARCHIVES
    for scene, files in zip(scenes, needed, strict=True):
        if not files:
            raise InputError(f"{card.name}: {scene} is not for download; {card.readme} tells more")
    kept: set[str] = set()  # archives that failed scenes go on from
    with _only_one(archives):
        for number, scene in enumerate(scenes):
            outcome = _fetch_one(card, scene, root, url)
            if outcome.failed:
                kept |= needed[number]
            still_needed = kept.union(*needed[number + 1 :])
            if not keep_archives:
                for file in needed[number] - still_needed:
                    (archives / file).unlink(missing_ok=True)
            yield outcome


def _fetch_one(card: DatasetCard, scene: str, root: Path, url: str | None) -> Outcome:
    there = is_there(root, scene)
    try:
        if not there:
            fetch_scene(card.scenes[scene], root, scene, url)
        return Outcome(
            scene, _completeness(card, root, scene) + there * "; was there", failed=False
        )
    except InputError as error:
        message = (
            f"{error}; it was there already: move it away to fetch it" if there else f"{error}"
        )
    except OSError as error:  # disk full, or no right to write
        message = f"{error.filename or root}: {error.strerror or error}; mend it, and give the same command"
    return Outcome(scene, message, failed=True)


def _completeness(card: DatasetCard, root: Path, scene: str) -> str:
    """A scene's frames in a line, those with a missing or wrong pose included, held against the card."""
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
    """One process at a time; the folder goes when nothing is left in it."""
    try:
        archives.mkdir(parents=True, exist_ok=True)
        lock = FileLock(archives / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{archives}: another process fetches to it; wait for it, or set another --root"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archives}: not writable ({error.strerror}); set another --root"
        ) from None
    try:
        yield
    finally:
        (archives / "lock").unlink(missing_ok=True)
        lock.release()
        if not any(archives.iterdir()):
            archives.rmdir()
