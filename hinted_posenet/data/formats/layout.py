"""What a format is: reading views from a folder, writing frames to one, and what all formats share."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from PIL import Image

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View

SPLITS = ("train", "val", "test")


class ReadViews(Protocol):
    """A reader, its own options bound."""

    def __call__(
        self, root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
    ) -> list[View]:
        """Views of one split of a scene.

        Args:
            root: Folder that holds the scenes.
            scene: Folder of the scene within it.
            split: "train", "val" or "test"; "all" where the data set may have no splits of its own.
            faults: Takes what is wrong with single frames; None raises the first.
        """


def scene_folder(root: Path, scene: str, marker: str, card: str, *others: str) -> Path:
    """The folder ``<root>/<scene>``, known as a scene by the file ``marker``, or one of the others, in it."""

    def is_scene(folder: Path) -> bool:
        return any((folder / file).is_file() for file in (marker, *others))

    if not root.is_dir():
        raise InputError(f"{root}: no such folder; point data.root to the data, see {card}")
    if scene and is_scene(root / scene):
        return root / scene
    if is_scene(root):
        raise InputError(
            f"{root}: is itself a scene; point data.root to its parent and set "
            f"data.scene={root.name}"
        )
    below = (path.relative_to(root) for pattern in ("*", "*/*") for path in root.glob(pattern))
    scenes = sorted(path.as_posix() for path in below if is_scene(root / path))
    raise InputError(
        f"{root}: no scene {scene!r} (a folder with {marker}); scenes there: "
        f"{', '.join(scenes) or 'none'}; see {card}"
    )


def check_split(split: str, *more: str) -> None:
    """Refuse what is none of `SPLITS`, or of ``more`` that the data set knows."""
    if split not in (*SPLITS, *more):
        raise InputError(f"no split {split!r}; use one of {', '.join((*SPLITS, *more))}")


def read_lines(path: Path, card: str) -> list[str]:
    """Lines of a text file without their endings, whether LF or CRLF."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; see {card}") from None


def numbered_lines(path: Path, card: str) -> Iterator[tuple[str, str]]:
    """(file and line, text) of each line of a text file that is not blank."""
    for number, line in enumerate(read_lines(path, card), start=1):
        if line.strip():
            yield f"{path} line {number}", line.strip()


def read_names(path: Path, card: str) -> dict[str, str]:
    """Names of a list, one a line, each with its file and line."""
    return {name: where for where, name in numbered_lines(path, card)}


def read_json(path: Path, card: str) -> Any:
    """Content of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} line {error.lineno}: not valid JSON ({error.msg}); see {card}"
        ) from None


def file_names(folder: Path) -> set[str]:
    """Names in a folder, empty if it is absent: one system call instead of one stat per image."""
    return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels as stored, from the file's header alone."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError:
        raise InputError(f"{path}: not a readable image; fetch or write it again") from None


class FolderSizes:
    """Sizes of images as stored, read from one image of each folder: 26,000 headers would take seconds.

    Whoever decodes an image compares its size with this one (``View.size``).

    Args:
        published: (width, height) in pixels, for folders without a readable image.
    """

    def __init__(self, published: tuple[int, int]) -> None:
        self.published = published
        self._found: dict[Path, tuple[int, int]] = {}

    def of(self, image: Path) -> tuple[int, int]:
        """(width, height) in pixels of the images beside ``image``."""
        folder = image.parent
        if folder not in self._found:
            try:
                self._found[folder] = image_size(image)
            except InputError:
                return self.published
        return self._found[folder]


@contextmanager
def collecting(faults: list[Fault] | None, name: str) -> Iterator[None]:
    """What is wrong with the frame ``name``: into the list, or raised where there is none."""
    try:
        yield
    except InputError as error:
        if faults is None:
            raise
        faults.append(Fault(name, str(error)))


Views = Sequence[tuple[str, View]]  # each with its split: all of "train", then "val", then "test"


class Frame(NamedTuple):
    """One image of the data set to write."""

    split: str  # "train", "val" or "test"
    source: View
    written: View  # its image is relative to the written data set; pose as the source's
    width: int  # pixels
    height: int


class Format(Protocol):
    """A layout of other software."""

    title: str  # for the summary
    reads_back: str  # the choice of the group `data`
    keeps_validation: bool  # else validation frames join training, as sequences of their own

    def frames(self, views: Views) -> list[Frame]:
        """Names and cameras that the views get; InputError where the format cannot hold them."""

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Everything but the images."""


def written_as(split: str, view: View, name: str, image: Path, **changes: Any) -> Frame:
    """A view under another name, in a file within the new folder; its image keeps its size."""
    written = view._replace(name=name, image=image, **changes)
    return Frame(split, view, written, *image_size(view.image))


def numbered(views: Views) -> list[tuple[str, View, int, int]]:
    """(split, view) -> with the number of its sequence, from 1, and of the frame in it, from 0.

    A sequence that is in several splits becomes several.
    """
    sequences: dict[tuple[str, str], int] = {}
    counts: dict[int, int] = {}
    found = []
    for split, view in views:
        number = sequences.setdefault((split, view.sequence), len(sequences) + 1)
        found.append((split, view, number, counts.setdefault(number, 0)))
        counts[number] += 1
    return found


def training_or_test(frames: Iterable[Frame], split: str) -> list[Frame]:
    """Frames of "train" or "test" where there is no validation: it is part of training."""
    return [frame for frame in frames if (frame.split == "test") == (split == "test")]
