"""Splits by lists of names beside the labels: our addition to layouts that have no splits of their own.

``train.txt``, ``val.txt`` and ``test.txt`` hold names of images, one per line. val.txt may be missing; the split
"all" needs no list.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault
from hinted_posenet.data.formats import layout

CARD = "docs/formats.md"

Label = TypeVar("Label")


def listed(
    folder: Path, split: str, labels: Mapping[str, Label], faults: list[Fault] | None
) -> Iterator[tuple[str, Label]]:
    """Yield (name, label) of the frames of a split, in the order of its list, or of the labels for "all".

    A name without a label is a fault: it is collected in ``faults``, or raised if that is None.
    """
    path = folder / f"{split}.txt"
    if split == "all":
        yield from labels.items()
    elif split != "val" or path.is_file():
        for name, where in layout.read_names(path, CARD).items():
            with layout.collecting(faults, name):
                if name not in labels:
                    raise InputError(f"{where}: no label of an image {name}; remove the line")
            if name in labels:
                yield name, labels[name]


def splits(folder: Path) -> tuple[str, ...]:
    """Return the splits that have a list in a folder, or else ("all",)."""
    return tuple(s for s in layout.SPLITS if (folder / f"{s}.txt").is_file()) or ("all",)
