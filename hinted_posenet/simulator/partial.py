"""An unfinished data set, from which an interrupted run resumes.

<root>/.<scene>.partial/made_from.json   all that decides its bytes; other settings cannot resume it
<root>/.<scene>.partial/jobs/<number>.json   path -> sha256 of the files of a finished job
<root>/.<scene>.partial/data/            becomes <root>/<scene> when it is complete
<root>/.<scene>.partial/replaced/        former data of that name, until then
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write


class Partial:
    """Context manager to which files and jobs are added; `finish` gives the data set its final name.

    Args:
        target: folder of the finished data set.
        made_from: all that decides its bytes, as JSON values.
        overwrite: replace finished data, and unfinished data that was made with other settings.
    """

    def __init__(self, target: Path, made_from: Mapping[str, Any], overwrite: bool = False) -> None:
        check_target(target, overwrite)
        self.target, self.overwrite = target, overwrite
        self.made_from: dict[str, Any] = json.loads(json.dumps(made_from))
        self.folder = target.with_name(f".{target.name}.partial")
        self.data, self._replaced = self.folder / "data", self.folder / "replaced"
        self.sha256: dict[str, str] = {}  # path within the data set -> hash, of all files so far
        self._lock = FileLock(self.folder / "lock", timeout=0)

    def __enter__(self) -> Self:
        """Lock it, and resume from what an interrupted run left."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise InputError(
                f"{self.target}: another run is writing it; wait for that one, or set another scene="
            ) from None
        except OSError as error:
            raise InputError(
                f"{self.target.parent}: not writable ({error.strerror}); set another root="
            ) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what an error or interrupt left, unless no job was finished."""
        if not any((self.folder / "jobs").glob("*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def holds(self, number: int, names: set[str]) -> bool:
        """Return whether a job is finished and its files are complete."""
        record = self._record(number)
        if not record.is_file():
            return False
        written = json.loads(record.read_text())
        whole = written.keys() == names and all(
            (self.data / name).is_file() and sha256_of((self.data / name).read_bytes()) == sha256
            for name, sha256 in written.items()
        )
        if whole:
            self.sha256.update(written)
        return whole

    def add_job(self, number: int, files: Mapping[str, bytes]) -> None:
        """Write the files of a job, and then the record that it is finished."""
        for name, content in files.items():
            self.add(name, content)
        record = {name: self.sha256[name] for name in files}
        self._write(self._record(number), json.dumps(record).encode())

    def add(self, name: str, content: bytes) -> None:
        """Write one file of the data set."""
        self._write(self.data / name, content)
        self.sha256[name] = sha256_of(content)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and give the data set its final name."""
        self._write(self.data / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())
        if self.target.exists():
            self.target.rename(self._replaced)
        self.data.rename(self.target)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> None:
        if self._replaced.exists() and not self.target.exists():  # killed between two renames
            self._replaced.rename(self.target)
        shutil.rmtree(self._replaced, ignore_errors=True)
        written = self.folder / "made_from.json"
        before = json.loads(written.read_text()) if written.is_file() else None
        if before == self.made_from:
            for unfinished in self.data.rglob(".*"):  # files that a killed run had begun
                unfinished.unlink()
            return
        if before is not None and not self.overwrite:
            changed = ", ".join(differences(before, self.made_from))
            raise InputError(
                f"{self.folder}: holds an unfinished data set made with other settings "
                f"({changed}); finish it with its own settings, set another scene=, or start again "
                "with overwrite=true"
            )
        written.unlink(missing_ok=True)
        for name in ("jobs", "data"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._write(written, json.dumps(self.made_from, indent=1).encode())

    def _record(self, number: int) -> Path:
        return self.folder / "jobs" / f"{number:06d}.json"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            with atomic_write(path) as unfinished:
                unfinished.write_bytes(content)
        except OSError as error:
            reason = error.strerror
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                free = shutil.disk_usage(self.folder).free
                reason = f"disk full: {len(content):,} bytes to write, {free:,} bytes free"
            raise InputError(
                f"{self.folder}: {path.name} could not be written ({reason}); once that is solved, "
                "the same command resumes from here"
            ) from error


def check_target(target: Path, overwrite: bool) -> None:
    """Refuse a name that is taken."""
    if target.exists() and not overwrite:
        raise InputError(f"{target}: exists already; set overwrite=true or another scene=")


def differences(before: Any, now: Any, key: str = "") -> list[str]:
    """Return the dotted keys whose values differ."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [] if before == now else [key]
    return [
        part
        for name in sorted(before.keys() | now.keys())
        for part in differences(before.get(name), now.get(name), f"{key}.{name}".lstrip("."))
    ]


def sha256_of(content: bytes) -> str:
    """Return the hash in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
