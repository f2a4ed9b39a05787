"""Images on disk that have no pose."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from hinted_posenet.data.image_files import SUFFIXES


def unposed_images(folder: Path, posed: Iterable[Path], names: Collection[str] = ()) -> list[Path]:
    """List the images in a folder, and in folders below it, that are neither ``posed`` nor called as in ``names``.

    Only files count that end as one of the posed images does after its first dot, because depth maps and masks may
    lie beside them: `frame-000000.color.png`, `.depth.png`.
    """
    known = set(posed)
    endings = {_ending(path) for path in known}
    found = []
    for place, _, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            if path in known or not _ending(path) or _ending(path) not in endings:
                continue
            if not any(path.as_posix().endswith(f"/{name}") for name in names):
                found.append(path)
    return sorted(found)


def _ending(path: Path) -> str:
    """Return what follows the first dot of an image's name, without numbers; "" where it is no image."""
    parts = [part for part in path.name.lower().split(".")[1:] if not part.isdigit()]
    return ".".join(parts) if path.suffix.lower() in SUFFIXES else ""
