"""Atomic writing: files and folders are written beside their place and moved there when they are complete."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path to write to, with the same suffix; it replaces ``path`` at the end, an error removes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    """Return where a file is written before it gets its name; its suffix is kept, as it may tell the format."""
    return path.with_name(f".{os.getpid()}-{path.name}")


def write_text(path: Path, text: str) -> None:
    """Write a whole text file."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """Write a JSON file; numbers that JSON does not have become the texts "inf", "-inf" and "nan"."""
    write_text(path, json.dumps(_finite(content), indent=indent, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def check_writable(path: Path, key: str = "out", endings: Sequence[str] = ()) -> None:
    """Refuse an output that could not be written, before the work whose result it is to hold.

    In its way are a folder, a device or pipe in its place, a file among its parents, a name that the file system
    does not take, and missing permission or space in the folder that is there. Of an output folder, give a file in
    it. ``key`` is what the user gave the output as, ``endings`` are those that its name may have, none for any.
    Nothing is left behind, and missing folders are not made.

    Raises:
        InputError: It names what is in the way.
    """
    if endings and path.suffix.lower() not in endings:
        raise InputError(f"{key}={path}: expected one of {', '.join(endings)}; rename it")
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or a pipe"
            raise InputError(f"{key}={path}: is {kind}; give the name of a file")
        with suppress(FileNotFoundError, NotADirectoryError):
            _partial(path).lstat()  # refuses a name that no file system takes
        there = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not there.is_dir():
            raise InputError(f"{key}={path}: {there} is no folder; choose another place")
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{key}={path}: cannot be written ({reason}); choose another place"
        ) from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{key}={str(path)!r}: no path holds a NUL character") from None


def check_free(folder: Path, overwrite: bool, marker: str) -> None:
    """Refuse a folder that is there, unless it may be replaced and holds the file ``marker``.

    The marker tells an export, so that no other folder is ever deleted.
    """
    if folder.exists() and not overwrite:
        raise InputError(
            f"{folder}: exists already; choose another folder, or replace it (overwrite=true)"
        )
    if folder.exists() and not (folder / marker).is_file():
        raise InputError(f"{folder}: is not an export (it has no {marker}); choose another folder")


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into, renamed to ``folder`` at the end; removed on an error or interrupt."""
    partial = folder.with_name(f".{folder.name}.partial")
    replaced = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():  # kept until the new one has its name
            shutil.rmtree(replaced, ignore_errors=True)
            folder.rename(replaced)
        partial.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); nothing is left"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
