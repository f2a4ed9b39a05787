"""Frames that leave a smooth sequence and come back: the signature of a wrong label.

A wrong label stands apart from the frames before *and* after it, which agree with each other. A camera
that walks fast, a cut in a video or a turn does not come back at once, and is left alone.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Distance = Callable[[Ints, Ints], Floats]  # between frames of a sequence, by their places in it

WINDOW = 15  # steps around a frame that tell how fast the camera moves there
SHORTEST_TRACK = 5  # frames; fewer do not tell what is usual
# with more steps than this share beyond 3 usual ones: clusters of photos, where none is a fault
EVEN_SHARE, UNEVEN = 0.95, 3.0
LONGEST = 20  # frames; what stays away for longer is a place, not a wrong label
LARGEST_SHARE = 0.25  # of a sequence
LONGEST_END = 2  # frames; at an end only one side tells, so few frames and a larger jump
END_FACTOR = 3.0
RETURN = 0.5  # of the jumps: how near to each other the frames before and after must be
NEIGHBOURS = (-4, -3, -2, 2, 3, 4)  # frames that an excursion must stand apart from


def out_of_line(
    number: Floats, distance: Distance, *, factor: float, least_step: float, least_jump: float
) -> dict[int, float]:
    """Places in a sequence of the frames out of line with those around them -> how far out.

    Args:
        number: (N,) of the frames, rising, so that gaps are known.
        distance: between frames, by their places.
        factor: a jump is longer than this many usual steps.
        least_step: the shortest usual step, per frame.
        least_jump: the shortest jump.
    """
    places = np.arange(len(number))
    if len(places) < SHORTEST_TRACK:
        return {}
    step = distance(places[:-1], places[1:])
    usual = _usual_steps(step, number, least_step)
    out = _excursions(np.maximum(factor * usual, least_jump), distance)
    kept = np.setdiff1d(places, out)
    reach = np.concatenate([[0.0], np.cumsum(usual)])
    good = distance(kept[:-1], kept[1:]) / np.diff(reach[kept])
    if len(out) > LARGEST_SHARE * len(places) or np.quantile(good, EVEN_SHARE) > UNEVEN:
        return {}
    following = np.searchsorted(kept, out)
    around = [kept[np.clip(following + side, 0, len(kept) - 1)] for side in (-1, 0)]
    off = np.minimum(*(distance(out, other) for other in around))
    return dict(zip(out.tolist(), off.tolist(), strict=True))


def _usual_steps(step: Floats, number: Floats, least: float) -> Floats:
    """How far the camera usually moves from each frame to the next, (N - 1,).

    The running median of its speed, at least the sequence's own and ``least``, times the gap.
    """
    gap = np.diff(number)
    speed = step / gap
    around = median_filter(speed, WINDOW, mode="mirror")
    usual: Floats = np.maximum(np.maximum(around, np.median(speed)), least) * gap
    return usual


def _excursions(allowed: Floats, distance: Distance) -> Ints:
    """Places out of line, rising.

    Args:
        allowed: (N - 1,) the longest step from each frame to the next that is not called a jump.
        distance: of any two frames, in the same unit.
    """
    reach = np.concatenate([[0.0], np.cumsum(allowed)])  # allowed from a to b: reach[b] - reach[a]
    kept = np.arange(len(reach))
    for length in range(1, min(LONGEST, int(LARGEST_SHARE * len(kept))) + 1):
        while len(out := _inside(kept, length, reach, distance)):
            kept = np.setdiff1d(kept, out)
    return np.setdiff1d(np.arange(len(reach)), _without_ends(kept, reach, distance))


def _inside(kept: Ints, length: int, reach: Floats, distance: Distance) -> Ints:
    """The first excursions of ``length`` frames, none touching another."""
    start = np.arange(1, len(kept) - length)  # of an excursion; a frame before it, one after it
    if not len(start):
        return kept[:0]
    before, first, last, after = (kept[start + d] for d in (-1, 0, length - 1, length))
    away, back = distance(before, first), distance(last, after)
    jump = np.minimum(away, back)
    is_out = (away > reach[first] - reach[before]) & (back > reach[after] - reach[last])
    start = start[is_out & (distance(before, after) < RETURN * jump)]
    start = start[_stands_apart(kept, start, length, distance)]
    start = start[np.diff(start, prepend=-length - 1) > length]
    out: Ints = kept[(start[:, None] + np.arange(length)).ravel()]
    return out


def _stands_apart(
    kept: Ints, start: Ints, length: int, distance: Distance
) -> npt.NDArray[np.bool_]:
    """Whether an excursion is far from most frames around it, rather than between two that are."""
    middle = kept[start + length // 2]
    jump = np.minimum(
        distance(kept[start - 1], kept[start]),
        distance(kept[start + length - 1], kept[start + length]),
    )
    others = [start + d if d < 0 else start + length - 1 + d for d in NEIGHBOURS]
    far = [
        distance(middle, kept[np.clip(other, 0, len(kept) - 1)]) > RETURN * jump for other in others
    ]
    apart: npt.NDArray[np.bool_] = np.mean(far, axis=0) > 0.5
    return apart


def _without_ends(kept: Ints, reach: Floats, distance: Distance) -> Ints:
    """The frames without the few at either end that lie beyond a very large jump."""
    step = distance(kept[:-1], kept[1:]) / (reach[kept[1:]] - reach[kept[:-1]])
    jumps = np.flatnonzero(step > END_FACTOR)
    head = max((j + 1 for j in jumps if j < LONGEST_END), default=0)
    tail = max((len(step) - j for j in jumps if j >= len(step) - LONGEST_END), default=0)
    return kept[head : len(kept) - tail]
