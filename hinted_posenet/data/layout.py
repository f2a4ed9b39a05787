"""What all readers need from a folder on disk: the scene, its files, sizes of images."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from hinted_posenet.types import Fault, InputError


def scene_folder(root: Path, scene: str, marker: str, card: str) -> Path:
    """The folder ``<root>/<scene>``, known as a scene by the file ``marker`` in it."""
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; point data.root to the data, see {card}")
    if scene and (root / scene / marker).is_file():
        return root / scene
    if (root / marker).is_file():
        raise InputError(
            f"{root}: is itself a scene; point data.root to its parent and set "
            f"data.scene={root.name}"
        )
    scenes = sorted(path.name for path in root.iterdir() if (path / marker).is_file())
    raise InputError(
        f"{root}: no scene {scene!r} (a folder with {marker}); scenes there: "
        f"{', '.join(scenes) or 'none'}; see {card}"
    )


def check_split(split: str, splits: Collection[str]) -> None:
    """Refuse a split that the data set does not know."""
    if split not in splits:
        raise InputError(f"no split {split!r}; use one of {', '.join(splits)}")


def read_lines(path: Path, card: str) -> list[str]:
    """Lines of a text file without their endings, whether LF or CRLF."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; see {card}") from None


def file_names(folder: Path) -> set[str]:
    """Names in a folder, empty if it is absent: one system call instead of one stat per image."""
    return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels as stored, from the file's header alone."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError):
        raise InputError(f"{path}: not a readable image; fetch or write it again") from None


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> Tensor:
    """Pinhole matrix K (3, 3) float64 in pixels."""
    return torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=torch.float64)


@contextmanager
def collecting(faults: list[Fault] | None, name: str) -> Iterator[None]:
    """What is wrong with the frame ``name``: into the list, or raised where there is none."""
    try:
        yield
    except InputError as error:
        if faults is None:
            raise
        faults.append(Fault(name, str(error)))
