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
MOST_ERROR = 0.02  # 13 px of 640 contradict; RedKitchen's raw poses reach 11
# The median error over the parallax is about the sine of the angle between the baselines. It is below 0.15 in
# 99 % of the pairs of RedKitchen, and 0.4 for poses that have nothing to do with each other.
AGREES, CONTRADICTS = 0.12, 0.2
USUAL = 3.0  # times the scene's own medians is no contradiction: a scene may be rough as a whole
FREE_SHARE = 0.7  # of the matches, which one relative pose must explain for a verdict
FEWEST_CONTRADICTIONS = (
    3  # of a frame that is named; they must be more than half of the verdicts on it
)
MOST_DOUBTFUL = 12  # frames that are matched again


class Verdicts(NamedTuple):
    """What the matches of each of P pairs say of the stated poses."""

    is_known: Bools  # (P,) whether they could contradict
    agree: Bools  # (P,)
    contradict: (
        Bools  # (P,); neither where it is not clear, or only the rotations can be seen to agree
    )


def judge(scene: Scene, matches: Sequence[Match], factor: float) -> Verdicts:
    """Compare the stated relative pose of each pair with the one that its matches ask for.

    ``factor`` multiplies the stated focal lengths.
    """
    measured = [_measured(scene, match, factor) for match in matches]
    sides_px = np.array([match.long_side_px for match in matches])
    error, parallax, turn = np.array(measured).reshape(-1, 3).T / sides_px
    is_known = np.isfinite(parallax)
    moves = is_known & (parallax >= LEAST_PARALLAX)
    off = np.divide(error, parallax, out=np.zeros_like(error), where=moves)
    usual_off, usual_error = (
        USUAL * float(np.median(values[moves])) if moves.any() else 0.0 for values in (off, error)
    )
    agree = (off < AGREES) & (error < max(FREE_ERROR, usual_error))
    is_off = (off > max(CONTRADICTS, usual_off)) & (error > FREE_ERROR)
    is_off |= error > max(MOST_ERROR, USUAL * usual_error)
    is_turned = is_known & ~moves & (turn > MOST_TURN)
    return Verdicts(is_known, moves & agree, (moves & is_off) | is_turned)


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


def count_by_view(matches: Sequence[Match], chosen: Bools, views: int) -> Ints:
    """Count the chosen (P,) of the pairs by view (N,)."""
    ends = np.array([(match.a, match.b) for match in matches]).reshape(-1, 2)
    return np.bincount(ends[chosen].ravel(), minlength=views)


def doubtful_views(matches: Sequence[Match], verdicts: Verdicts, views: int) -> list[int]:
    """Return the views, by number, of which as many pairs contradict as agree, the clearest first."""
    agree = count_by_view(matches, verdicts.agree, views)
    contradict = count_by_view(matches, verdicts.contradict, views)
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
        agree = count_by_view(matches, left & verdicts.agree, views)
        contradict = count_by_view(matches, left & verdicts.contradict, views)
        lead = np.where(contradict < FEWEST_CONTRADICTIONS, 0, contradict - agree)
        worst = int(np.lexsort((contradict, lead))[-1])
        if lead[worst] <= 0:
            return found
        found.append(worst)
        left &= ~(ends == worst).any(axis=1)
