"""Frames of one sequence in the order they were taken, with their numbers."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hinted_posenet.types import View

LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", flags=re.DOTALL)


class Track(NamedTuple):
    """One sequence."""

    name: str
    views: npt.NDArray[np.int64]  # (N,) their places among all views
    number: npt.NDArray[np.float64]  # (N,) rising, about 1 apart, so that gaps are known


def tracks(views: Sequence[View]) -> list[Track]:
    """Views by sequence, whatever split they are in, ordered by time, or by the last number of their names.

    Names that differ before that number are different sequences (``east_0001``, ``west_0001``), and so
    are the dates of one flight, or whatever tags tell apart. A frame that is listed twice is taken once.
    """
    groups: dict[tuple[str, str, str], dict[float, int]] = defaultdict(dict)
    for index, view in enumerate(views):
        prefix, place = _place(view)
        tags = " ".join(view.tags.values())
        groups[view.sequence, prefix, tags].setdefault(place, index)
    found = []
    for (sequence, prefix, _), frames in groups.items():
        number = np.array(sorted(frames))
        of_track = np.array([frames[key] for key in number.tolist()])
        if views[of_track[0]].time_s is not None and len(number) > 1:
            number = number / np.median(np.diff(number))
        found.append(Track(f"{sequence}/{prefix}" if prefix else sequence, of_track, number))
    return found


def _place(view: View) -> tuple[str, float]:
    """What tells a view's sequence besides its folder, and its place in there."""
    if view.time_s is not None:
        return "", view.time_s
    stem = PurePosixPath(view.name).stem
    match = LAST_NUMBER.fullmatch(stem)
    return (match[1], float(match[2])) if match else (stem, 0.0)
