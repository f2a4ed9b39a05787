"""Atomic writing: files and folders are written beside their place and moved there when they are complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hinted_posenet.core.errors import InputError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path to write to, with the same suffix; it replaces ``path`` at the end, an error removes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


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
