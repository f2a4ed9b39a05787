"""A file whose download was begun: what is there of it, and which version of it that is.

<file>.partial        the bytes so far, in order
<file>.partial.json   the version that they are of
"""

import json
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.whole_file import write_text


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
