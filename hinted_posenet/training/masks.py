"""Masks of training images: where local features are wanted, and not on people, cars or a robot's own arm."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.image_files import read_bytes


class Masks:
    """A folder of images, black where nothing of value is seen, named as COLMAP and others name them.

    The mask of ``a/b.jpg`` is ``a/b.jpg.png`` or ``a/b.png``. An image without one has none of it masked.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        if not folder.is_dir():
            raise InputError(f"refine.masks={folder}: no such folder; give that of the masks")

    def check(self, views: Sequence[View]) -> None:
        """Refuse a folder that has no mask of any of the images."""
        if views and not any(map(self._file, views)):
            wanted = self.folder / f"{views[0].name}.png"
            raise InputError(
                f"refine.masks={self.folder}: holds no mask of any image; name them as {wanted}"
            )

    def key(self, views: Sequence[View]) -> str:
        """Return a hash of the masks of images."""
        digest = hashlib.sha256()
        for view in views:
            file = self._file(view)
            digest.update(hashlib.sha256(read_bytes(file) if file else b"").digest())
        return digest.hexdigest()

    def wanted(self, view: View, size: tuple[int, int]) -> NDArray[np.bool_] | None:
        """Return where an image of a size (height, width) is not masked (H, W); None: everywhere."""
        file = self._file(view)
        if file is None:
            return None
        mask = np.asarray(decoded(file).max(axis=2) > 0)
        if mask.shape != size:
            found, expected = (f"{shape[1]} x {shape[0]}" for shape in (mask.shape, size))
            raise InputError(f"{file}: {found} pixels, its image has {expected}; resize the mask")
        return mask

    def _file(self, view: View) -> Path | None:
        name = Path(view.name)
        for path in (name.with_name(f"{name.name}.png"), name.with_suffix(".png")):
            if (self.folder / path).is_file():
                return self.folder / path
        return None
