"""One file over HTTP: continued where it stopped, tried again where the connection breaks."""

import logging
import re
import time

import requests
import urllib3
from tqdm import tqdm

from hinted_posenet.fetch.partial_file import PartialFile, Version
from hinted_posenet.fetch.space import check_space

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
