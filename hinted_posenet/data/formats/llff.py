"""LLFF's ``poses_bounds.npy``: the poses of all images of a folder in one array, without their names.

Layout::

    <root>/<scene>/poses_bounds.npy   (N, 17): rows of 3x5 matrices [R | t | height width focal], near, far
    <root>/<scene>/images/*.jpg       N images; the n-th by name has the n-th row
    <root>/<scene>/train.txt, ...     names of images, see `listed`

The columns of R are the camera's down, right and backwards axes in the world, t is its center. The file has no
names, so a folder with an image more or less than rows is refused as a whole: images that the reconstruction left
out must be removed. It has one focal length and no principal point, which is in the middle, and no lens. Scenes
are usually in the units of a reconstruction, not in metres. The recording is one sequence.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import TEXT_BYTES
from hinted_posenet.core.text import check_file, whole_number
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import parse_colmap_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import CARD, listed
from hinted_posenet.data.poses import numbers, poses_from_matrices

FILE = "poses_bounds.npy"
SUFFIXES = (".jpg", ".jpeg", ".png")  # as the published code filters
T_LLFF_OPENCV = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])


class _Row(NamedTuple):
    values: NDArray[np.float64]  # (17,)
    where: str


def read_views(
    root: Path, scene: str, split: str, *, images: str = "images", faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, see `ReadViews`; "all" has them by name."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, FILE, CARD)
    path = folder / FILE
    found = sorted(layout.file_names(folder / images))
    names = [f"{images}/{name}" for name in found if name.lower().endswith(SUFFIXES)]
    rows = _read_rows(path)
    if len(rows) != len(names):
        raise InputError(
            f"{path}: {len(rows)} poses, but {folder / images} has {len(names)} images, and they are paired by "
            "their order; add the missing images, or remove those without a pose"
        )
    labels = {
        name: _Row(row, f"{path} row {number}")
        for number, (name, row) in enumerate(zip(names, rows, strict=True))
    }
    views = []
    for name, (row, where) in listed(folder, split, labels, faults):
        with layout.collecting(faults, name):
            numbers(row[:15].tolist(), where)
            rows_3x5 = row[:15].reshape(3, 5)
            matrix = [*rows_3x5[:, :4].tolist(), [0.0, 0.0, 0.0, 1.0]]
            (stated,) = poses_from_matrices([matrix], [where], T_LLFF_OPENCV)
            if isinstance(stated, InputError):
                raise stated
            height, width, focal_px = rows_3x5[:, 4].tolist()
            size = (
                whole_number(f"{width:.0f}", f"{where} width", 1),
                whole_number(f"{height:.0f}", f"{where} height", 1),
            )
            parameters = [focal_px, size[0] / 2, size[1] / 2]
            lens = parse_colmap_camera("SIMPLE_PINHOLE", parameters, where)
            views.append(
                layout.labelled_view(name, folder / name, stated, lens, where, folder.name, size)
            )
    return views


def _read_rows(path: Path) -> NDArray[np.float64]:
    """Read the array (N, 17)."""
    check_file(path, TEXT_BYTES, f"see {CARD}")
    try:
        # mapped, because a header may announce more than the file has; pickles could run code
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        return np.array(rows, dtype=np.float64).reshape(-1, 17)
    except Exception:  # of many kinds: a header is a Python literal
        raise InputError(
            f"{path}: not an array of N rows of 17 numbers; write it again, see {CARD}"
        ) from None
