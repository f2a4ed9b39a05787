"""The pose of a frame that its neighbours' poses and the matches with them ask for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hinted_posenet.data.checks.checked_scene import Scene
from hinted_posenet.data.checks.focal import zoomed
from hinted_posenet.data.checks.matched import Match
from hinted_posenet.data.checks.neighbours import FREE_ERROR, pinhole

Floats = npt.NDArray[np.float64]

EXPLAINED = 0.5  # share of the matches that the pose must explain
USED = 60  # matches of a neighbour
MOST_NEIGHBOURS = 8
FEWEST_NEIGHBOURS = 3  # one is left out in turn, and two give a scale
SCATTER = 0.5  # of the distance from the stated position, between the positions without one neighbour each


class Off(NamedTuple):
    """How far a stated pose is from that of its neighbours' consensus; nan where it is not determined."""

    position_m: float
    rotation_rad: float


class _Seen(NamedTuple):
    """A neighbour's pose and the matches with it."""

    R: Floats  # (3, 3) world to camera, about the stated position of the frame
    t: Floats  # (3,)
    K: Floats  # (3, 3)
    x: Floats  # (M, 2) pixels of the neighbour
    x_frame: Floats  # (M, 2) and of the frame
    K_frame: Floats


def off_consensus(
    scene: Scene, matches: Sequence[Match], view: int, wrong: Sequence[int], factor: float
) -> Off:
    """Compare a view's stated pose with the one that its neighbours ask for, without those that are wrong too."""
    stated = scene.views[view].T_world_cam
    seen = [
        _seen(scene, match, view, factor)
        for match in matches
        if view in (match.a, match.b) and not {match.a, match.b} & ({*wrong} - {view})
    ]
    seen = sorted(seen, key=lambda near: -len(near.x))[:MOST_NEIGHBOURS]
    if len(seen) < FEWEST_NEIGHBOURS:
        return Off(np.nan, np.nan)
    away_m = np.linalg.norm(np.stack([near.t for near in seen]), axis=1)
    unit_m = float(np.median(away_m)) or 1.0
    found = _pose(seen, unit_m, FREE_ERROR * matches[0].long_side_px)
    if found is None:
        return Off(np.nan, np.nan)
    R, center_m = found
    cosine = (np.trace(R @ stated.matrix()[:3, :3].numpy()) - 1) / 2
    others = [
        _pose(seen[:i] + seen[i + 1 :], unit_m, FREE_ERROR * matches[0].long_side_px)
        for i in range(len(seen))
    ]
    off_m = float(np.linalg.norm(center_m))
    scatter_m = [
        np.inf if other is None else float(np.linalg.norm(other[1] - center_m)) for other in others
    ]
    is_known = np.median(scatter_m) < SCATTER * off_m
    return Off(off_m if is_known else np.nan, float(np.arccos(np.clip(cosine, -1, 1))))


def _seen(scene: Scene, match: Match, view: int, factor: float) -> _Seen:
    K_a, K_b = zoomed(match, factor)
    near, K, x, x_frame, K_frame = (
        (match.a, K_a, match.x_a, match.x_b, K_b)
        if match.b == view
        else (match.b, K_b, match.x_b, match.x_a, K_a)
    )
    pose = scene.views[near].T_world_cam
    R = pose.matrix()[:3, :3].numpy().T
    center_m = (pose.t - scene.views[view].T_world_cam.t).numpy()
    chosen = slice(None, None, max(1, len(x) // USED))
    return _Seen(R, -R @ center_m, K, x[chosen], x_frame[chosen], K_frame)


def _pose(seen: Sequence[_Seen], unit_m: float, error_px: float) -> tuple[Floats, Floats] | None:
    """Return R (3, 3), world to camera, and the center (3,) in metres that all matches ask for."""
    import poselib

    matches = [poselib.PairwiseMatches() for _ in seen]
    for number, (pairwise, near) in enumerate(zip(matches, seen, strict=True)):
        pairwise.cam_id1, pairwise.cam_id2 = number, 0
        pairwise.x1, pairwise.x2 = near.x, near.x_frame
    rig = [_extrinsics(near.R, near.t / unit_m) for near in seen]
    cameras = [pinhole(near.K) for near in seen]
    ransac = {"max_epipolar_error": error_px, "min_iterations": 50, "max_iterations": 500}
    found, said = poselib.estimate_generalized_relative_pose(
        matches,
        rig,
        cameras,
        [_extrinsics(np.eye(3), np.zeros(3))],
        [pinhole(seen[0].K_frame)],
        ransac,
        {},
    )
    if said["inlier_ratio"] < EXPLAINED:
        return None
    R = np.asarray(found.R)
    return R, -R.T @ np.asarray(found.t) * unit_m


def _extrinsics(R: Floats, t: Floats) -> object:
    import poselib

    pose = poselib.CameraPose()
    pose.R, pose.t = R, t
    return pose
