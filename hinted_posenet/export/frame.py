"""A view and what becomes of it; how the formats with numbered sequences name it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hinted_posenet.data.reader.layout import image_size
from hinted_posenet.types import View

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
