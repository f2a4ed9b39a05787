"""What a format is: a reader of views and a writer of frames; and the helpers that all formats share."""

import math
import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol, TypeVar

from hinted_posenet.core import text
from hinted_posenet.core.errors import InputError, printable
from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens, check_lens
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.poses import ValidatedPose

Size = TypeVar("Size", tuple[int, int], None)  # (width, height) in pixels, or that it is not known
SPLITS = ("train", "val", "test")
NAME_LENGTH = 1024  # characters of an image's path within its data set


class ReadViews(Protocol):
    """A reader, with its own options bound."""

    def __call__(
        self, root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
    ) -> list[View]:
        """Read the views of one split of the scene in the folder <root>/<scene>.

        Splits are "train", "val" and "test", and "all" if the data set may have no splits of its own.
        ``faults`` collects what is wrong with single frames; None raises the first.
        """


Views = Sequence[tuple[str, View]]  # each with its split: all of "train", then "val", then "test"


class Frame(NamedTuple):
    """One image of the data set to write."""

    split: str  # "train", "val" or "test"
    source: View
    written: View  # its image is relative to the written data set; its pose is the source's
    width: int  # pixels
    height: int


class Format(Protocol):
    """A layout of other software that can be written."""

    title: str  # for the summary
    reads_back: str  # the choice of the group `data`
    keeps_validation: bool  # else validation frames join training, as sequences of their own

    def frames(self, views: Views) -> list[Frame]:
        """Name the views and choose their cameras; InputError if the format cannot hold them."""

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Write everything but the images."""


def scene_folder(root: Path, scene: str, marker: str, card: str, *others: str) -> Path:
    """Return the folder ``<root>/<scene>``, which must hold the file or folder ``marker`` or one of the others."""

    def is_scene(folder: Path) -> bool:
        return any((folder / file).exists() for file in (marker, *others))

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
    """Refuse a split that is neither one of `SPLITS` nor one of ``more`` that the data set has."""
    if split not in (*SPLITS, *more):
        raise InputError(f"no split {split!r}; use one of {', '.join((*SPLITS, *more))}")


def labelled_view(
    name: str,
    image: Path,
    stated: ValidatedPose,
    lens: Lens,
    where: str,
    sequence: str | None = None,
    size: tuple[int, int] | None = None,
) -> View:
    """Make the view of one label, without tags; its sequence is the folder in its name unless given.

    Every reader makes its views here, so what no image can have is refused here.

    Raises:
        InputError: The name, the place or the camera cannot be, see `check_name` and `check_lens`.
    """
    check_name(name, where)
    check_lens(lens, size, where)
    place_m = stated.T_world_cam.t.tolist()
    if not all(abs(part_m) <= COORDINATE_M for part_m in place_m):
        raise InputError(
            f"{where}: {name} is {math.hypot(*place_m):.3g} m from the origin, expected at most {COORDINATE_M:g}; "
            "correct or exclude the frame"
        )
    sequence = name.rpartition("/")[0] if sequence is None else sequence
    text.check_encodable(sequence, where)
    view = View(name, image, stated.T_world_cam, lens.K, sequence, {}, size=size, where=where)
    return view._replace(distortion=lens.distortion, rotation_error=stated.rotation_error)


def check_name(name: str, where: str) -> None:
    """Refuse a name that lists or file systems cannot hold, or that leads out of the data set's folder."""
    text.check_encodable(name, where)
    parts = PurePosixPath(name).parts
    if not name.strip():
        why = "empty"
    elif name.startswith("/") or ".." in parts:
        why = "it leads out of the folder"
    elif len(name) > NAME_LENGTH or any(len(part.encode()) > 255 for part in parts):
        why = "too long"
    else:
        return
    shown = name if len(name) < 100 else f"{name[:40]}...{name[-20:]}"
    raise InputError(f"{where}: {shown!r} is no name of an image in a data set ({why}); rename it")


@contextmanager
def collecting(faults: list[Fault] | None, name: str) -> Iterator[None]:
    """Collect what is wrong with the frame ``name`` in the list, or raise it if there is no list."""
    try:
        yield
    except InputError as error:
        if faults is None:
            raise
        faults.append(Fault(printable(name), str(error)))


def read_lines(path: Path, card: str) -> list[str]:
    """Read the lines of a text file without their endings, whether LF or CRLF."""
    return text.read_lines(path, f"see {card}")


def numbered_lines(path: Path, card: str) -> Iterator[tuple[str, str]]:
    """Yield (file and line, text) of each line of a text file that is not blank."""
    for number, line in enumerate(read_lines(path, card), start=1):
        if line.strip():
            yield f"{path} line {number}", line.strip()


def read_names(path: Path, card: str) -> dict[str, str]:
    """Read the names of a list, one per line, each with its file and line; refuse a name that is there twice."""
    names: dict[str, str] = {}
    for where, name in numbered_lines(path, card):
        check_new(name, names, where)
        names[name] = where
    return names


def check_new(name: str, known: Container[str], where: str) -> None:
    """Refuse a name that is among those that are ``known`` already: one image has one pose."""
    if name in known:
        raise InputError(f"{where}: {name} is there twice; remove the wrong one of its lines")


def read_json(path: Path, card: str) -> Any:
    """Read a JSON file."""
    return text.read_json(path, f"see {card}")


def file_names(folder: Path) -> set[str]:
    """List the names in a folder, none if it is absent; one system call instead of one per image."""
    with text.reading(folder):
        return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208


def folder_sizes(published: Size) -> Callable[[Path], tuple[int, int] | Size]:
    """Return a function image -> (width, height) as stored, which reads one image per folder.

    Reading all 26,000 headers of a data set would take seconds. Whoever decodes an image compares its size with
    this one (``View.size``). ``published``, perhaps None, is for folders without a readable image.
    """
    found: dict[Path, tuple[int, int]] = {}

    def size(image: Path) -> tuple[int, int] | Size:
        if image.parent not in found:
            try:
                found[image.parent] = stored_size(image)
            except InputError:
                return published
        return found[image.parent]

    return size


def written_as(split: str, view: View, name: str, image: Path, **changes: Any) -> Frame:
    """Place a view under another name, in a file within the new folder; its image keeps its size."""
    written = view._replace(name=name, image=image, **changes)
    return Frame(split, view, written, *stored_size(view.image))


def numbered(views: Views) -> list[tuple[str, View, int, int]]:
    """Add to each (split, view) the number of its sequence, from 1, and of the frame in it, from 0.

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
    """Return the frames of "train" or "test" in a format without validation, which joins training."""
    return [frame for frame in frames if (frame.split == "test") == (split == "test")]


def names_by_split(frames: Sequence[Frame]) -> dict[str, list[str]]:
    """Return the written names of each split that has any."""
    names = {split: [f.written.name for f in frames if f.split == split] for split in SPLITS}
    return {split: found for split, found in names.items() if found}
