"""One file over HTTP: resumed where it stopped, retried where the connection breaks."""

import json
import logging
import re
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import requests
import urllib3
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text

RESERVE = 10**8  # bytes that are left free for everything else


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise where a folder's disk has too little room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise InputError(
            f"{what}: needs {gigabytes(needed)} in {folder}, {gigabytes(free)} are free; make room, "
            "or fetch to another disk with --root"
        )


def gigabytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 10**8 else f"{count / 1e6:.1f} MB"


class Version(NamedTuple):
    """One version of a file on a server."""

    url: str
    # what If-Range takes: a strong ETag, or Last-Modified; None: cannot be continued
    validator: str | None
    bytes: int | None  # of the whole file; None: the server does not tell


class PartialFile:
    """The beginning of a file.

    Args:
        target: Name of the whole file.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.partial")
        self._note = target.with_name(f"{target.name}.partial.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> Version | None:
        """What the bytes are of; None where nothing was begun, or it is not known."""
        if not self.path.is_file():
            return None
        try:
            return Version(**json.loads(self._note.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def is_whole(self, url: str) -> bool:
        """Whether nothing is missing of what an address has, as far as it told."""
        version = self.version
        return version is not None and (version.url, version.bytes) == (url, self.size)

    def begin(self, version: Version) -> None:
        """Start anew; a kill at any point leaves no bytes under the name of another version."""
        self.discard()
        self.path.touch()
        write_text(self._note, json.dumps(version._asdict()))

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove all of it."""
        self._note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # before each further try that brings no byte more
TIMEOUT_S = (20.0, 60.0)  # to connect, and without a byte
CHUNK = 1 << 16  # bytes
BUSY = (408, 429, 500, 502, 503, 504)  # HTTP statuses that may pass
BROKEN = (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError)

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """An address does not give the file; says why. Another one may."""


class _MayPassError(Exception):
    """Something that another try may mend."""


def transfer(
    session: requests.Session,
    url: str,
    partial: PartialFile,
    expected_bytes: int | None,
) -> None:
    """Bring a partial file to its full length.

    What is there is continued if it is of the same version of the same address (If-Range), so that
    no byte is fetched twice and no two versions are glued together; otherwise it starts anew. Where the
    connection breaks it is tried again, after `PAUSES_S`; a try that brought bytes begins these again.

    Args:
        session: That asks.
        url: Address of the file.
        partial: Receives the bytes; keeps them when this is interrupted.
        expected_bytes: Length of the file, if it is known; another length is refused at once.

    Raises:
        UnavailableError: the address refuses, does not answer, or has something else.
        InputError: the disk is too small.
    """
    failures, reached = 0, partial.size
    while not partial.is_whole(url):
        try:
            _ask(session, url, partial, expected_bytes)
            return
        except (*BROKEN, _MayPassError) as error:
            failures = 1 if partial.size > reached else failures + 1
            reached = max(reached, partial.size)
            if failures > len(PAUSES_S):
                raise UnavailableError(_reason(error)) from error
            pause_s = PAUSES_S[failures - 1]
            log.warning("%s: %s; again in %g s", partial.target.name, _reason(error), pause_s)
            time.sleep(pause_s)
        except requests.RequestException as error:
            raise UnavailableError(_reason(error)) from error


def _ask(
    session: requests.Session, url: str, partial: PartialFile, expected_bytes: int | None
) -> None:
    """One request, and its answer written down."""
    version, have = partial.version, partial.size
    headers = {"Accept-Encoding": "identity"}  # ranges count the bytes of the file itself
    if version and version.url == url and version.validator and have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version.validator}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code in BUSY:
            raise _MayPassError(f"the server answers {response.status_code} {response.reason}")
        if response.status_code == 206 and version and _continues(response, have, version):
            total = version.bytes
        elif response.status_code in (206, 416):
            partial.discard()
            raise _MayPassError("the server has another file now, so it starts anew")
        elif response.status_code == 200:
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise UnavailableError("answers with a web page instead of the file")
            total, have = _length(response), 0
            if expected_bytes is not None and total is not None and total != expected_bytes:
                raise UnavailableError(f"has {total:,} bytes, expected {expected_bytes:,}")
            if partial.size:
                log.warning("%s: cannot be continued, so it starts anew", partial.target.name)
            partial.begin(Version(url, _validator(response), total))
        else:
            raise UnavailableError(f"{response.status_code} {response.reason}")
        if total is not None:  # images hardly shrink in an archive
            check_space(partial.path.parent, total - have + total, partial.target.name)
        _write(response, partial, have, total)
    if total is not None and partial.size != total:
        raise _MayPassError(f"the connection ended after {partial.size:,} of {total:,} bytes")


def _write(response: requests.Response, partial: PartialFile, have: int, total: int | None) -> None:
    bar = tqdm(
        total=total, initial=have, unit="B", unit_scale=True, desc=f"fetch {partial.target.name}"
    )
    with bar, partial.path.open("ab") as file:
        # read1 gives what has come, so that nothing of it is lost when the connection breaks
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))


def _continues(response: requests.Response, have: int, version: Version) -> bool:
    """Whether the answer begins where the partial file ends, and is of a file as long as it was."""
    stated = response.headers.get("Content-Range", "")
    total = r"(\d+|\*)" if version.bytes is None else rf"({version.bytes}|\*)"
    return re.fullmatch(rf"bytes {have}-\d+/{total}", stated) is not None


def _length(response: requests.Response) -> int | None:
    stated = response.headers.get("Content-Length", "")
    return int(stated) if stated.isdigit() else None


def _validator(response: requests.Response) -> str | None:
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):  # a weak one does not promise the same bytes
        return tag
    return response.headers.get("Last-Modified")


def _reason(error: Exception) -> str:
    """An error in one short line: the innermost cause says it best."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error) or type(error).__name__
