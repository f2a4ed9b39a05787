"""Which answer is of which frame: by name, by time, or by the number of the line."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.pose_lines import seconds
from hinted_posenet.evaluation.pose_rows import PosesFile, floats, refuse

SUFFIX = re.compile(r"(\.color|\.rgb)?\.(png|jpe?g|bmp|webp|tiff?|heic)$", re.IGNORECASE)
FOLDER = re.compile(r"[/\\]+")
JOINT = re.compile(r"[/\\_-]+")  # of the parts of a path that was made a file name
TOLERANCE_S = 0.01  # between times that mean one frame; evo's default

Rows = NDArray[np.int64]


class Targets(NamedTuple):
    """The N frames that may be answered."""

    names: Sequence[str]
    times_s: Floats | None = None  # (N,) of a trajectory
    by_line: bool = False  # whether they have neither times nor names, but numbers


class Pairs(NamedTuple):
    """M answers and the frames that they are of, in the order of the frames."""

    answer: Rows  # (M,)
    frame: Rows  # (M,)
    notes: list[str]
    coverage: dict[str, Any] | None = None  # of a trajectory by another; None: frames have names


def pair(answers: PosesFile, frames: Targets, tolerance_s: float = TOLERANCE_S) -> Pairs:
    """Pair answers with frames.

    Names are compared as they are, without image suffixes, with a path that was made a file name (``a/b`` is
    ``a-b`` and ``a_b``), and as ends of each other's paths (``b`` is ``a/b`` where there is one such frame);
    whatever pairs most. Where answers or frames have times, each gets the nearest of the other within
    ``tolerance_s``; image names of the others are read as times. Lines of matrices are paired one by one.

    Raises:
        InputError: No answer is of a frame; or, of names, it tells the lines of unknown frames, and of frames that
            are answered twice.
    """
    if answers.format == "kitti" or (frames.by_line and answers.times_s is not None):
        return _by_line(answers, frames)
    if answers.times_s is not None or frames.times_s is not None:
        return _by_time(answers, frames, tolerance_s)
    return _by_name(answers, frames.names)


def _by_name(answers: PosesFile, frames: Sequence[str]) -> Pairs:
    rules: dict[str, Callable[[], Rows]] = {
        "": lambda: _equal(answers.names, frames, str),
        "without image suffixes": lambda: _equal(answers.names, frames, _stem),
        "as paths that were made file names": lambda: _equal(answers.names, frames, _flat),
        "by the ends of their paths": lambda: _ends(answers.names, frames),
    }
    best, how = np.full(len(answers.names), -1), ""
    for title, rule in rules.items():
        found = rule()
        if (found >= 0).sum() > (best >= 0).sum():
            best, how = found, title
        if (best >= 0).all():
            break
    if (best < 0).all():
        fix = _fix_of(answers.names[0], frames, f"frames have names like {frames[0]}")
        raise InputError(
            f"{answers.where[0]}: {answers.names[0]} is none of the {len(frames)} frames, and neither is any "
            f"other name of the file; {fix}"
        )
    unknown = np.flatnonzero(best < 0)
    fix = _fix_of(answers.names[unknown[0]], frames) if len(unknown) else ""
    refuse(
        [
            f"{answers.where[i]}: {answers.names[i]} is none of the {len(frames)} frames; {fix}"
            for i in unknown
        ]
    )
    first: dict[int, str] = {}
    refuse(
        [
            f"{where}: answers {frames[row]}, as {first[row]} does; remove one of them"
            for row, where in zip(best.tolist(), answers.where, strict=True)
            if first.setdefault(row, where) is not where
        ]
    )
    notes = [f"names are compared {how}: {answers.names[0]} is {frames[best[0]]}"] if how else []
    order = np.argsort(best)
    return Pairs(order, best[order], [*answers.notes, *notes])


def _equal(names: Sequence[str], frames: Sequence[str], key: Callable[[str], str]) -> Rows:
    """Return the frame (M,) with the same key, -1 for none; none at all where two frames have one key."""
    row_of = {key(name): row for row, name in enumerate(frames)}
    if len(row_of) < len(frames):
        return np.full(len(names), -1)
    return np.array([row_of.get(key(name), -1) for name in names])


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _flat(name: str) -> str:
    return JOINT.sub("-", _stem(name))


def _ends(names: Sequence[str], frames: Sequence[str]) -> Rows:
    """Return the frame (M,) whose path the name ends, or whose path ends the name; -1 for none or several."""
    row_of: dict[tuple[str, ...], int] = {}
    whole: dict[tuple[str, ...], int] = {}
    for row, frame in enumerate(frames):
        parts = _parts(frame)
        whole[parts] = row
        for first in range(len(parts)):
            end = parts[first:]
            row_of[end] = -1 if end in row_of else row
    found = []
    for name in names:
        parts = _parts(name)
        longer = (whole[parts[first:]] for first in range(len(parts)) if parts[first:] in whole)
        found.append(row_of[parts] if parts in row_of else next(longer, -1))
    return np.array(found)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in FOLDER.split(_stem(name)) if part not in ("", "."))


def _fix_of(
    name: str, frames: Sequence[str], fix: str = "remove the line, or score another split"
) -> str:
    """Return ``fix``, or what to do where several frames have a name without its folders."""
    those = [frame for frame in frames if _parts(frame)[-1:] == _parts(name)]
    if len(those) < 2:
        return fix
    return (
        f"{len(those)} of them end so, as {those[0]} and {those[1]}; write names with their folders, in hloc with "
        "--prepend_camera_name"
    )


def _by_line(answers: PosesFile, frames: Targets) -> Pairs:
    count = len(answers.names)
    if count != len(frames.names):
        raise InputError(
            f"{answers.where[0]}: {count} poses for {len(frames.names)} frames, and only their order could tell "
            "which is which; write lines of nan where there is no pose, or times in front (poses_format=tum)"
        )
    rows = np.arange(count)
    return Pairs(rows, rows, [*answers.notes, "poses and frames are paired in their order"])


def _by_time(answers: PosesFile, frames: Targets, tolerance_s: float) -> Pairs:
    asked_s = answers.times_s if answers.times_s is not None else _times(answers.names)
    true_s = frames.times_s if frames.times_s is not None else _times(frames.names)
    if asked_s is None or true_s is None:
        kind, other = ("a trajectory has times", frames.names[0])
        if answers.times_s is None:
            kind, other = ("the truth is a trajectory, which has times", answers.names[0])
        raise InputError(
            f"{answers.where[0]}: {kind}, but there are names like {other}; write lines "
            "`name qw qx qy qz tx ty tz` (world-to-camera) and give poses_format=text"
        )
    answer, frame = nearest_pairs(asked_s, true_s, tolerance_s)
    if not len(answer):
        spans = [f"{min(times)} to {max(times)} s" for times in (asked_s.tolist(), true_s.tolist())]
        raise InputError(
            f"{answers.where[0]}: no time is within {tolerance_s:g} s of one of the {len(true_s)} frames; poses "
            f"are of {spans[0]}, frames of {spans[1]}; give both in one clock, or a larger time_tolerance_s"
        )
    gaps_s, times_s = np.abs(asked_s[answer] - true_s[frame]), true_s[frame]
    whole_s, covered_s = float(np.ptp(true_s)), float(np.ptp(times_s))
    coverage = {
        "poses": len(asked_s),
        "true_poses": len(true_s),
        "pairs": len(answer),
        "time_tolerance_s": tolerance_s,
        "largest_difference_s": float(gaps_s.max()),
        "covered_s": covered_s,
        "whole_s": whole_s,
        "longest_gap_s": float(np.diff(times_s).max(initial=0.0)),
    }
    share = f" ({covered_s / whole_s:.0%})" if whole_s else ""
    note = (
        f"{len(answer)} of {len(asked_s)} poses have a true one within {tolerance_s:g} s, at most "
        f"{1000 * gaps_s.max():.1f} ms away; from first to last they span {covered_s:.1f} s of the truth's "
        f"{whole_s:.1f} s{share}, with gaps of up to {coverage['longest_gap_s']:.2f} s"
    )
    return Pairs(answer, frame, [*answers.notes, note], coverage)


def nearest_pairs(a_s: Floats, b_s: Floats, tolerance_s: float) -> tuple[Rows, Rows]:
    """Return the rows of times (A,) and (B,) that are paired, at most ``tolerance_s`` apart, in the order of time.

    Each of the fewer gets the nearest of the others, the earlier of two; one that is the nearest of several is
    paired with the nearest of them. So, apart from the last rule, does evo.
    """
    if len(a_s) > len(b_s):
        b, a = nearest_pairs(b_s, a_s, tolerance_s)
        return a, b
    order = np.argsort(b_s, kind="stable")
    after = np.searchsorted(b_s, a_s, sorter=order)
    around = order[np.stack([(after - 1).clip(0), after.clip(max=len(order) - 1)])]
    gaps = np.abs(b_s[around] - a_s)
    best = gaps.argmin(axis=0)[None]
    b, gap = (np.take_along_axis(part, best, axis=0)[0] for part in (around, gaps))
    by_gap = np.lexsort((a_s, gap))
    _, once = np.unique(b[by_gap], return_index=True)
    a = by_gap[once]
    a = a[gap[a] <= tolerance_s]
    a = a[np.argsort(a_s[a], kind="stable")]
    return a, b[a]


def _times(names: Sequence[str]) -> Floats | None:
    """Return image names as times; None where one is none."""
    found = floats([_stem(FOLDER.split(name)[-1]) for name in names])
    times_s = np.array(found or [np.nan])
    return seconds(times_s)[0] if np.isfinite(times_s).all() else None
