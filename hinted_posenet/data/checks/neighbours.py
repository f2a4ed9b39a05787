"""Frames whose stated pose contradicts those of their neighbours, as matched points show."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hinted_posenet.data.checks.checked_scene import Scene
from hinted_posenet.data.checks.convention import essential, sampson_px
from hinted_posenet.data.checks.focal import fundamentals, zoomed
from hinted_posenet.data.checks.matched import Match

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# as shares of the long side of the images
FREE_ERROR = 0.005  # 3 px of 640, of matches that a relative pose explains
LEAST_PARALLAX = 0.015  # 10 px of 640: with less, a pair says nothing of positions
MOST_TURN = 0.06  # 38 px of 640, where it says something of rotations only
# The median error over the parallax is about the sine of the angle between the baselines. It is below 0.15 in
# 99 % of the pairs of RedKitchen, and 0.4 for poses that have nothing to do with each other.
AGREES, CONTRADICTS = 0.12, 0.2
USUAL = (
    3.0  # times the scene's own median of it is no contradiction: a scene may be rough as a whole
)
FREE_SHARE = 0.7  # of the matches, which one relative pose must explain for a verdict
FEWEST_CONTRADICTIONS = (
    3  # of a frame that is named; they must be more than half of the verdicts on it
)
MOST_DOUBTFUL = 12  # frames that are matched again


class Verdicts(NamedTuple):
    """Whether the matches of each of P pairs agree with the stated poses; neither where nothing can be said."""

    agree: Bools  # (P,)
    contradict: Bools  # (P,)
    error_px: Floats  # (P,) median distance from the epipolar lines


def judge(scene: Scene, matches: Sequence[Match], factor: float) -> Verdicts:
    """Compare the stated relative pose of each pair with the one that its matches ask for.

    ``factor`` multiplies the stated focal lengths.
    """
    measured = [_measured(scene, match, factor) for match in matches]
    error_px, parallax_px, turn_px = np.array(measured).reshape(-1, 3).T
    side_px = np.array([match.long_side_px for match in matches])
    is_known = np.isfinite(parallax_px)
    moves = is_known & (parallax_px >= LEAST_PARALLAX * side_px)
    off = np.divide(error_px, parallax_px, out=np.zeros_like(error_px), where=moves)
    usual = float(np.median(off[moves])) if moves.any() else 0.0
    agree = moves & (off < AGREES)
    is_off = (off > max(CONTRADICTS, USUAL * usual)) & (error_px > FREE_ERROR * side_px)
    is_turned = is_known & ~moves & (turn_px > MOST_TURN * side_px)
    return Verdicts(agree, (moves & is_off) | is_turned, error_px)


def _measured(scene: Scene, match: Match, factor: float) -> tuple[float, float, float]:
    """Return a pair's median error, its parallax and the difference of its rotations, in pixels.

    The parallax is the median motion of points that no rotation explains; it and the rotation are those of the
    relative pose that explains the matches best, or nan where none does.
    """
    import poselib

    a, b = (scene.views[view].T_world_cam for view in (match.a, match.b))
    F = fundamentals(match, essential(a, b), np.array([factor]))[0]
    error_px = float(np.median(sampson_px(F, match.x_a, match.x_b)))
    K_a, K_b = zoomed(match, factor)
    ransac = {"max_epipolar_error": FREE_ERROR * match.long_side_px}
    ransac |= {"min_iterations": 50, "max_iterations": 500}
    cameras = pinhole(K_a), pinhole(K_b)
    free, found = poselib.estimate_relative_pose(match.x_a, match.x_b, *cameras, ransac, {})
    if np.mean(found["inliers"]) < FREE_SHARE:
        return error_px, np.nan, np.nan
    far = np.column_stack([match.x_a, np.ones(len(match.x_a))])
    far = far @ (K_b @ free.R @ np.linalg.inv(K_a)).T
    parallax_px = np.median(np.linalg.norm(far[:, :2] / far[:, 2:] - match.x_b, axis=1))
    R_a, R_b = (pose.matrix()[:3, :3].numpy() for pose in (a, b))
    cosine = (np.trace(free.R.T @ R_b.T @ R_a) - 1) / 2
    return error_px, float(parallax_px), float(np.arccos(np.clip(cosine, -1, 1)) * K_b[0, 0])


def pinhole(K: Floats) -> dict[str, object]:
    """Return the camera of K (3, 3) as poselib takes it; it needs no size of the image."""
    parameters = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
    return {"model": "PINHOLE", "width": -1, "height": -1, "params": parameters}


def counted_verdicts(
    matches: Sequence[Match], verdicts: Verdicts, chosen: Bools, views: int
) -> tuple[Ints, Ints]:
    """Count the pairs that agree (N,) and that contradict (N,) by view, over the chosen (P,) pairs."""
    ends = np.array([(match.a, match.b) for match in matches]).reshape(-1, 2)
    agree, contradict = (
        np.bincount(ends[chosen & said].ravel(), minlength=views)
        for said in (verdicts.agree, verdicts.contradict)
    )
    return agree, contradict


def doubtful_views(matches: Sequence[Match], verdicts: Verdicts, views: int) -> list[int]:
    """Return the views, by number, of which as many pairs contradict as agree, the clearest first."""
    every = np.ones(len(matches), bool)
    agree, contradict = counted_verdicts(matches, verdicts, every, views)
    order = np.argsort(agree - contradict, kind="stable")
    return [int(i) for i in order if contradict[i] and contradict[i] >= agree[i]][:MOST_DOUBTFUL]


def contradicted(matches: Sequence[Match], verdicts: Verdicts, views: int) -> list[int]:
    """Return the views, by number, that contradict most of their neighbours, the clearest first.

    One is taken at a time and its pairs are dropped, so that a wrong pose accuses nobody.
    """
    ends = np.array([(match.a, match.b) for match in matches]).reshape(-1, 2)
    left = np.ones(len(matches), bool)
    found: list[int] = []
    while True:
        agree, contradict = counted_verdicts(matches, verdicts, left, views)
        lead = np.where(contradict < FEWEST_CONTRADICTIONS, 0, contradict - agree)
        worst = int(np.lexsort((contradict, lead))[-1])
        if lead[worst] <= 0:
            return found
        found.append(worst)
        left &= ~(ends == worst).any(axis=1)
