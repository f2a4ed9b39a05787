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
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # before each further try after one that brought no bytes
TIMEOUT_S = (20.0, 60.0)  # to connect, and without a byte
CHUNK = 1 << 16  # bytes
BUSY = (408, 429, 500, 502, 503, 504)  # HTTP statuses that may pass

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """An address does not give the file; says why. Another one may."""


class _TransientError(Exception):
    """Something that another try may mend."""


class Version(NamedTuple):
    """One version of a file on a server."""

    url: str
    # what If-Range takes: a strong ETag, or Last-Modified; None: cannot be continued
    validator: str | None
    bytes: int | None  # of the whole file; None: the server does not say


def version_of(partial: Path) -> Version | None:
    """Read which version a partial file is of, from the note beside it; None where it is not known."""
    try:
        return Version(**json.loads(_note(partial).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def discard(partial: Path) -> None:
    """Remove a partial file; no kill leaves bytes with the note of another version."""
    _note(partial).unlink(missing_ok=True)
    partial.unlink(missing_ok=True)


def finish(partial: Path, target: Path) -> None:
    """Give a partial file its final name."""
    partial.replace(target)
    _note(partial).unlink(missing_ok=True)


def transfer(
    session: requests.Session, url: str, partial: Path, expected_bytes: int | None
) -> None:
    """Bring a partial file to its full length; another length than the expected one is refused at once.

    What is there is continued if it is of the same version of the same address (If-Range), so that no byte is
    fetched twice and two versions are never joined; otherwise it starts anew. Where the connection breaks, it
    is tried again after `PAUSES_S`; a try that brought bytes restarts the sequence of pauses. The file keeps
    its bytes when this is interrupted.

    Raises:
        UnavailableError: The address refuses, does not answer, or has something else.
        InputError: The disk is too small.
    """
    failures, reached = 0, _size(partial)
    while True:
        try:
            _ask(session, url, partial, expected_bytes)
            return
        except (requests.RequestException, urllib3.exceptions.HTTPError, _TransientError) as error:
            failures = 1 if _size(partial) > reached else failures + 1
            reached = max(reached, _size(partial))
            if failures > len(PAUSES_S) or isinstance(error, ValueError):  # an address that is none
                raise UnavailableError(_reason(error)) from error
            pause_s = PAUSES_S[failures - 1]
            log.warning("%s: %s; trying again in %g s", partial.stem, _reason(error), pause_s)
            time.sleep(pause_s)


def _ask(session: requests.Session, url: str, partial: Path, expected_bytes: int | None) -> None:
    """Send one request and write its answer."""
    version, have = version_of(partial), _size(partial)
    headers = {"Accept-Encoding": "identity"}  # ranges count the bytes of the file itself
    if version and version.url == url and have:
        if have == version.bytes:
            return
        if version.validator:
            headers |= {"Range": f"bytes={have}-", "If-Range": version.validator}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        status = f"{response.status_code} {response.reason}"
        if response.status_code in BUSY:
            raise _TransientError(f"the server answers {status}")
        if response.status_code not in (200, 206, 416):
            raise UnavailableError(status)
        if response.status_code == 200:
            version, have = _begin(response, url, partial, expected_bytes), 0
        elif version is None or not _continues(response, have, version):
            discard(partial)
            raise _TransientError("the server has another file now, so the download starts anew")
        if version.bytes is not None:  # images hardly shrink in an archive
            check_space(partial.parent, version.bytes - have + version.bytes, partial.stem)
        label = f"fetch {partial.stem}"
        bar = tqdm(total=version.bytes, initial=have, unit="B", unit_scale=True, desc=label)
        with bar, partial.open("ab") as file:
            # read1 gives what has come, so that nothing of it is lost when the connection breaks
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                bar.update(file.write(chunk))
    if version.bytes not in (None, _size(partial)):
        raise _TransientError(f"the connection ended before all {version.bytes:,} bytes had come")


def _begin(
    response: requests.Response, url: str, partial: Path, expected_bytes: int | None
) -> Version:
    """Start a partial file anew, and note what it is of."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise UnavailableError("answers with a web page instead of the file")
    length, tag = (response.headers.get(key, "") for key in ("Content-Length", "ETag"))
    total = int(length) if length.isdigit() else None
    if expected_bytes is not None and total not in (None, expected_bytes):
        raise UnavailableError(f"has {total:,} bytes, expected {expected_bytes:,}")
    if tag.startswith("W/"):  # a weak one does not promise the same bytes
        tag = ""
    version = Version(url, tag or response.headers.get("Last-Modified"), total)
    discard(partial)
    partial.touch()
    write_text(_note(partial), json.dumps(version._asdict()))
    return version


def _continues(response: requests.Response, have: int, version: Version) -> bool:
    """Tell whether the answer begins where the partial file ends, and is of a file as long as it was."""
    stated = response.headers.get("Content-Range", "")
    total = r"(\d+|\*)" if version.bytes is None else rf"({version.bytes}|\*)"
    return re.fullmatch(rf"bytes {have}-\d+/{total}", stated) is not None


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise where a folder's disk has too little room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise InputError(
            f"{what}: needs {gigabytes(needed)} in {folder}, {gigabytes(free)} are free; make room, "
            "or fetch to another disk with root=DIR"
        )


def gigabytes(count: int) -> str:
    """Format a number of bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 10**8 else f"{count / 1e6:.1f} MB"


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _size(partial: Path) -> int:
    return partial.stat().st_size if partial.is_file() else 0


def _reason(error: Exception) -> str:
    """Describe an error in one short line: the innermost cause says it best."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error) or type(error).__name__
