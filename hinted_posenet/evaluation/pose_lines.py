"""Lines of poses as the field's software writes them, and which of their fields is what.

| format | a line                                                                                 |
|--------|----------------------------------------------------------------------------------------|
| text   | ``name qw qx qy qz tx ty tz``, world-to-camera: ours, hloc's. Up to three more numbers |
|        | are left out: ACE's errors and inliers, ACE0's focal length and confidence             |
| tum    | ``time tx ty tz qx qy qz qw``, camera-to-world, or as a header says                    |
| euroc  | ``time tx ty tz qw qx qy qz``, camera-to-world, perhaps more, or as a header says      |
| kitti  | the 12 numbers of the upper three rows of a camera-to-world matrix                     |

Spaces, tabs, commas and semicolons separate fields; only a name may contain them. Times are in seconds, or in
nanoseconds where they are too large for seconds.
"""

import re
from array import array
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_lines
from hinted_posenet.data.poses import poses_from_matrices
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.pose_rows import (
    PosesFile,
    Row,
    floats,
    from_matrices,
    from_rows,
    refuse,
)

SEPARATORS = re.compile(r"[,;\s]+")
BRACKETS = re.compile(r"[\[(][^\[\]()]*[\])]")  # units of a header
TIME = re.compile(r"t|.*(time|stamp).*")
POSITION = re.compile(r"(.*[^a-z])?[tpc]?[xyz]")  # tx, px, p_rs_r_x, pose.position.x
QUATERNION = re.compile(r"(.*[^a-z])?(q|quat|rot|orient)[^/]*[wxyz]")
NANOSECONDS = 1e15  # as seconds this would be in 30 million years
TYPICAL = 1000  # lines that are looked at to tell the format
UNIT = 0.02  # deviation of a quaternion's norm that no other four numbers have on every line
MORE = (0, 3, 2, 1)  # numbers after a pose, in the order that they are tried
KITTI_FIELDS = 12
MOST_HEADER = 2000  # characters, so that no expression takes long
TEXT = "name qw qx qy qz tx ty tz"
WITH_NAMES = ("T_world_cam_", "T_cam_world_")  # columns of a csv that is no trajectory


class Order(NamedTuple):
    """The place of each number among the fields of a line, from 0."""

    time: int
    position: tuple[int, ...]  # x, y, z
    quaternion: tuple[int, ...]  # w, x, y, z


TUM, EUROC = Order(0, (1, 2, 3), (7, 4, 5, 6)), Order(0, (1, 2, 3), (4, 5, 6, 7))
ORDERS = {"tum": TUM, "euroc": EUROC}


class Lines(NamedTuple):
    """The lines of a file that are neither blank nor comments, with their numbers, and its header."""

    path: Path
    numbers: list[int]  # from 1
    texts: list[str]
    order: (
        Order | None
    )  # as the header says; None where there is none that names all parts of a pose

    def where(self, row: int) -> str:
        """Return the file and line of a row."""
        return f"{self.path} line {self.numbers[row]}"


def read_lines_of(path: Path) -> Lines:
    """Read the lines of a file and the header in front of them, commented out or not."""
    numbers, texts, order = list[int](), list[str](), None
    for number, line in enumerate(read_lines(path), start=1):
        text = line.strip()
        found = None if texts or any(name in text for name in WITH_NAMES) else order_of(text)
        order = found or order
        if text and not found and not text.startswith(("#", "%")):
            numbers.append(number)
            texts.append(text)
    return Lines(path, numbers, texts, order)


def order_of(header: str) -> Order | None:
    """Return where a header names time, position and quaternion; None where it does not name all of them.

    Of several columns that would do, such as a velocity beside the position, the first is taken.
    """
    if len(header) > MOST_HEADER:
        return None
    titles = BRACKETS.sub("", header).lstrip("#% ").lower()
    separator = r" *[,;\t] *" if re.search(r"[,;\t]", titles) else r"\s+"
    found: dict[str, int] = {}
    for place, title in enumerate(re.split(separator, titles.strip())):
        if TIME.fullmatch(title):
            found.setdefault("time", place)
        elif QUATERNION.fullmatch(title):
            found.setdefault(f"q{title[-1]}", place)
        elif POSITION.fullmatch(title):
            found.setdefault(title[-1], place)
    parts = ("time", *"xyz", "qw", "qx", "qy", "qz")
    if not set(parts) <= found.keys():
        return None
    time, *places = (found[part] for part in parts)
    return Order(time, tuple(places[:3]), tuple(places[3:]))


def recognise_lines(lines: Lines) -> str:
    """Return the format of lines: by a header, or by what is a number and what a unit quaternion.

    Raises:
        InputError: They may be of two formats.
    """
    if lines.order:
        w, x, *_ = lines.order.quaternion
        return "euroc" if w < x else "tum"
    first = lines.texts[0] if lines.texts else ""
    fields = SEPARATORS.split(first)
    if floats(fields) is None or len(fields) < 8:
        return "text"
    if len(fields) == KITTI_FIELDS:
        return "kitti"
    if len(fields) > 8:
        return "euroc"
    if "," in first and float(fields[0]) > NANOSECONDS:
        raise InputError(
            f"{lines.where(0)}: without a header, nothing tells whether qw comes first or last; give "
            "poses_format=euroc (first) or poses_format=tum (last)"
        )
    # names may be numbers too
    typical = [floats(SEPARATORS.split(text)) for text in islice(lines.texts, TYPICAL)]
    table = np.array([row for row in typical if row and len(row) == len(fields)])
    is_text = not _are_unit(table, TUM.quaternion) and _are_unit(table, (1, 2, 3, 4))
    return "text" if is_text else "tum"


def more_numbers(rows: Sequence[Sequence[str]]) -> int:
    """Return how many numbers follow the pose on lines of names and poses: as many as lets quaternions be unit."""
    typical = [row for row in islice(rows, TYPICAL) if len(row) >= 8]
    for more in MORE:
        pose = [floats(row[len(row) - 7 - more : len(row) - more]) for row in typical]
        known = [numbers for numbers in pose if numbers]
        if len(known) == len(typical) and _are_unit(np.array(known), (0, 1, 2, 3)):
            return more
    return 0


def seconds(times: Floats) -> tuple[Floats, str | None]:
    """Return times (N,) in seconds, and a note where they were nanoseconds."""
    largest = np.abs(times).max(initial=0.0)
    return (times / 1e9, "its times are in nanoseconds") if largest > NANOSECONDS else (times, None)


def _are_unit(table: Floats, columns: Sequence[int]) -> bool:
    """Return whether columns of numbers (N, >= 8) are unit quaternions, where they are known at all."""
    if not len(table):
        return False
    with np.errstate(over="ignore"):
        norm = np.linalg.norm(table[:, list(columns)], axis=1)
    return bool((np.abs(norm - 1) < UNIT)[np.isfinite(norm)].all())


def read_named(lines: Lines) -> PosesFile:
    """Read names and world-to-camera poses."""
    more = more_numbers([text.split() for text in lines.texts])
    rows: list[Row] = []
    mistakes = []
    for row, text in enumerate(lines.texts):
        name, *fields = text.rsplit(maxsplit=7 + more)  # a name may contain spaces
        rows.append((lines.where(row), name, fields[:7]))
        if len(fields) != 7 + more:
            also = f" and {more} more numbers" if more else ""
            expected = f"expected 8 fields `{TEXT}`{also}"
            mistakes.append(f"{lines.where(row)}: {expected}, found {len(fields) + 1}")
    refuse(mistakes)
    return from_rows("text", rows)


def read_trajectory(format: str, lines: Lines) -> PosesFile:
    """Read times and camera-to-world poses of the format tum or euroc."""
    if lines.order and recognise_lines(lines) != format:
        raise InputError(
            f"{lines.path}: its header says another order than poses_format={format}; leave that out"
        )
    order = lines.order or ORDERS[format]
    columns = (*order.quaternion, *order.position)
    most = max(columns)
    rows, times, mistakes = list[Row](), array("d"), list[str]()
    for row, text in enumerate(lines.texts):
        fields = SEPARATORS.split(text)
        time = floats(fields[order.time : order.time + 1])
        if len(fields) <= most or (format == "tum" and not lines.order and len(fields) != 8):
            q = "qx qy qz qw" if format == "tum" else "qw qx qy qz"
            expected = f"expected {most + 1} fields `time tx ty tz {q}`"
            mistakes.append(f"{lines.where(row)}: {expected}, found {len(fields)}")
        elif not time or not np.isfinite(time[0]):
            mistakes.append(f"{lines.where(row)}: expected a time, found `{fields[order.time]}`")
        else:
            times.extend(time)
            rows.append((lines.where(row), fields[order.time], [fields[c] for c in columns]))
    refuse(mistakes)
    times_s, note = seconds(np.array(times))
    notes = (f"{lines.path}: {note}",) if note else ()
    return from_rows(format, rows)._replace(times_s=times_s, notes=notes)


def read_kitti(lines: Lines) -> PosesFile:
    """Read matrices; their names are numbers, from 0."""
    where, names = (
        [*map(lines.where, range(len(lines.texts)))],
        [f"{row:06d}" for row in range(len(lines.texts))],
    )
    fields = [SEPARATORS.split(text) for text in lines.texts]
    refuse(
        [
            f"{place}: expected {KITTI_FIELDS} numbers, found {len(row)} fields; correct the line"
            for place, row in zip(where, fields, strict=True)
            if len(row) != KITTI_FIELDS
        ]
    )
    matrices = [[row[:4], row[4:8], row[8:], ["0", "0", "0", "1"]] for row in fields]
    return from_matrices("kitti", names, where, poses_from_matrices(matrices, where), lines.texts)
