"""Checks for wrong labels: cameras that leave a smooth sequence, stand far away, or are flipped."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from torch import Tensor

from hinted_posenet.core.formatting import length
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Distance = Callable[[Ints, Ints], Floats]  # between frames of a sequence, by their places in it

WINDOW = 15  # steps around a frame that show how fast the camera moves there
SHORTEST_TRACK = 5  # frames; fewer do not show what is usual
# unless this share of steps is within 3 usual ones, the photos form clusters and none is a fault
EVEN_SHARE, UNEVEN = 0.95, 3.0
LONGEST = 20  # frames; what stays away for longer is a place, not a wrong label
LARGEST_SHARE = 0.25  # of a sequence
LONGEST_END = 2  # frames; an end has one side only, so fewer frames and a larger jump are required
END_FACTOR = 3.0
RETURN = 0.5  # of the jumps: how near to each other the frames before and after must be
NEIGHBOURS = (-4, -3, -2, 2, 3, 4)  # frames that an excursion must stand apart from


def out_of_line(
    number: Floats, distance: Distance, *, factor: float, least_step: float, least_jump: float
) -> dict[int, float]:
    """Find the frames of a sequence that are out of line with those around them -> how far out.

    Args:
        number: (N,) of the frames, increasing, so that gaps are known.
        distance: Between frames, by their places.
        factor: A jump is longer than this many usual steps.
        least_step: The shortest usual step, per frame.
        least_jump: The shortest jump.
    """
    places = np.arange(len(number))
    if len(places) < SHORTEST_TRACK:
        return {}
    gap = np.diff(number)
    speed = distance(places[:-1], places[1:]) / gap
    # a usual step takes the running median of the speed, at least that of the sequence and the least
    around = np.maximum(median_filter(speed, WINDOW, mode="mirror"), np.median(speed))
    usual = np.maximum(around, least_step) * gap
    out = _excursions(np.maximum(factor * usual, least_jump), distance)
    kept = np.setdiff1d(places, out)
    reach = np.concatenate([[0.0], np.cumsum(usual)])
    good = distance(kept[:-1], kept[1:]) / np.diff(reach[kept])
    if len(out) > LARGEST_SHARE * len(places) or np.quantile(good, EVEN_SHARE) > UNEVEN:
        return {}
    following = np.searchsorted(kept, out)
    beside = [kept[np.clip(following + side, 0, len(kept) - 1)] for side in (-1, 0)]
    off = np.minimum(*(distance(out, other) for other in beside))
    return dict(zip(out.tolist(), off.tolist(), strict=True))


def _excursions(allowed: Floats, distance: Distance) -> Ints:
    """Return the places that are out of line, in order; steps up to ``allowed`` (N - 1,) are no jumps."""
    reach = np.concatenate([[0.0], np.cumsum(allowed)])  # allowed from a to b: reach[b] - reach[a]
    kept = np.arange(len(reach))
    for frames in range(1, min(LONGEST, int(LARGEST_SHARE * len(kept))) + 1):
        while len(out := _inside(kept, frames, reach, distance)):
            kept = np.setdiff1d(kept, out)
    return np.setdiff1d(np.arange(len(reach)), _without_ends(kept, reach, distance))


def _inside(kept: Ints, frames: int, reach: Floats, distance: Distance) -> Ints:
    """Return the first excursions of so many frames, none touching another."""
    start = np.arange(1, len(kept) - frames)  # of an excursion; a frame before it, one after it
    if not len(start):
        return kept[:0]
    before, first, last, after = (kept[start + d] for d in (-1, 0, frames - 1, frames))
    away, back = distance(before, first), distance(last, after)
    jump = np.minimum(away, back)
    is_out = (away > reach[first] - reach[before]) & (back > reach[after] - reach[last])
    start = start[is_out & (distance(before, after) < RETURN * jump)]
    start = start[_stands_apart(kept, start, frames, distance)]
    start = start[np.diff(start, prepend=-frames - 1) > frames]
    out: Ints = kept[(start[:, None] + np.arange(frames)).ravel()]
    return out


def _stands_apart(
    kept: Ints, start: Ints, frames: int, distance: Distance
) -> npt.NDArray[np.bool_]:
    """Return whether each excursion is far from most frames around it, and not just between two others."""
    middle = kept[start + frames // 2]
    jump = np.minimum(
        distance(kept[start - 1], kept[start]),
        distance(kept[start + frames - 1], kept[start + frames]),
    )
    others = [start + d if d < 0 else start + frames - 1 + d for d in NEIGHBOURS]
    far = [
        distance(middle, kept[np.clip(other, 0, len(kept) - 1)]) > RETURN * jump for other in others
    ]
    apart: npt.NDArray[np.bool_] = np.mean(far, axis=0) > 0.5
    return apart


def _without_ends(kept: Ints, reach: Floats, distance: Distance) -> Ints:
    """Drop the few frames at either end that lie beyond a very large jump."""
    step = distance(kept[:-1], kept[1:]) / (reach[kept[1:]] - reach[kept[:-1]])
    jumps = np.flatnonzero(step > END_FACTOR)
    head = max((j + 1 for j in jumps if j < LONGEST_END), default=0)
    tail = max((len(step) - j for j in jumps if j >= len(step) - LONGEST_END), default=0)
    return kept[head : len(kept) - tail]


# good frames deviate by up to 4.3 usual steps, 3.1 usual turns and 28 degrees (Great Court)
JUMP_STEPS, JUMP_TURNS = 6.0, 5.0
LEAST_FLIP_RAD = math.radians(45)
LEAST_STEP = 0.01  # of the scene's half size: a camera that hardly moves has no jumps
LEAST_TURN_RAD = math.radians(0.5)
FAR = 20.0  # half sizes of the scene, from its center
FIX = "exclude them (write_exclude=true)"


def check_positions(scene: Scene) -> list[Finding]:
    """Report cameras far from the whole scene, and those that leave the path of their sequence and return."""
    t = scene.T_world_cam.t.numpy()
    from_center_m = np.linalg.norm(t - np.median(t, axis=0), axis=-1)
    is_far = from_center_m > FAR * scene.scale_m
    findings, wrong = [], {}
    for track in scene.tracks:
        far = is_far[track.views]
        if far.mean() > 0.5 and len(far) > 1:
            away = length(float(np.median(from_center_m[track.views])))
            message = f"all of {track.name} is {away} from the rest"
            findings.append(Finding("positions", "note", message))
            continue
        for i in track.views[far].tolist():
            wrong[scene.views[i].name] = f"{length(from_center_m[i])} from the rest of the scene"
        index = track.views[~far]
        off_m = out_of_line(
            track.number[~far],
            partial(_away_m, t[index]),
            factor=JUMP_STEPS,
            least_step=LEAST_STEP * scene.scale_m,
            least_jump=0.0,
        )
        for place, off in off_m.items():
            wrong[scene.views[index[place]].name] = f"{length(off)} off the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'camera')} where no camera can have been"
        return [*findings, Finding("positions", "error", message, wrong, FIX)]
    message = f"no outliers; 95 % of the cameras in a cube of {length(2 * scene.scale_m)}"
    return [*findings, Finding("positions", "ok", message)]


def check_flips(scene: Scene) -> list[Finding]:
    """Report frames that are rotated against both their neighbours; q and -q are one rotation."""
    wrong = {}
    for track in scene.tracks:
        off_rad = out_of_line(
            track.number,
            partial(_turn_rad, scene.T_world_cam.q[track.views]),
            factor=JUMP_TURNS,
            least_step=LEAST_TURN_RAD,
            least_jump=LEAST_FLIP_RAD,
        )
        for place, off in off_rad.items():
            name = scene.views[track.views[place]].name
            wrong[name] = f"rotated by {math.degrees(off):.0f}° against the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'frame')} rotated against the frames around them"
        return [Finding("flips", "error", message, wrong, FIX)]
    return [Finding("flips", "ok", "no frame is rotated against its neighbours")]


def _away_m(t: Floats, a: Ints, b: Ints) -> Floats:
    return np.asarray(np.linalg.norm(t[a] - t[b], axis=-1))


def _turn_rad(q: Tensor, a: Ints, b: Ints) -> Floats:
    return np.asarray(rotation_angle(q[a], q[b]).numpy())
