"""An archive from one of its addresses: length, checksum and kind of file are checked."""

import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import requests

from hinted_posenet.data.card import Archive
from hinted_posenet.fetch.partial_file import PartialFile
from hinted_posenet.fetch.transfer import UnavailableError, transfer
from hinted_posenet.types import InputError


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
