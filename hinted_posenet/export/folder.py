"""A folder that appears under its name only when it is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hinted_posenet.types import InputError


def check_free(folder: Path, overwrite: bool, marker: str) -> None:
    """Refuse a folder that is there, unless it may be replaced and holds the file ``marker``.

    The marker tells an export, so that no other folder is ever deleted.
    """
    if folder.exists() and not overwrite:
        raise InputError(
            f"{folder}: exists already; choose another folder, or replace it (overwrite=true, --overwrite)"
        )
    if folder.exists() and not (folder / marker).is_file():
        raise InputError(f"{folder}: is not an export (it has no {marker}); choose another folder")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """The folder to write into, renamed to ``folder`` at the end; removed on an error or interrupt."""
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
