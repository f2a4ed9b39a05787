"""Free disk space, asked for before it is needed."""

import shutil
from pathlib import Path

from hinted_posenet.types import InputError

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
