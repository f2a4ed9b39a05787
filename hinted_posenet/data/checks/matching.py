"""Pairs of images of one sequence, and the points that both show."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import View
from hinted_posenet.data.checks.checked_scene import Scene, Track
from hinted_posenet.data.decode import thumbnail
from hinted_posenet.data.distortion import straightened
from hinted_posenet.data.image_files import stored_size

Floats = npt.NDArray[np.float64]

LONG_SIDE_PX = 960  # images are shrunk to it: labels are not finer, and SIFT is faster
TURNS_DEG = (15.0, 6.0)  # between the two images; an angle that no convention changes
GAPS = (4, 1)  # frames, where the sequence does not turn
REACH = 60  # frames to look ahead
RATIO = 0.8  # Lowe's, of the nearest descriptor to the second
RANSAC_PX = 1.5
FEWEST_MATCHES = 30  # that satisfy one epipolar geometry, whatever the poses say
LEAST_FLOW = 0.02  # of the long side: images that hardly differ decide nothing


class Pair(NamedTuple):
    """Two views and the points that both show, at the size at which they were matched."""

    a: View
    b: View
    x_a: Floats  # (M, 2) pixels, without lens distortion
    x_b: Floats
    K_a: Floats  # (3, 3) pixels
    K_b: Floats
    long_side_px: float


def candidates(scene: Scene, track: Track, place: int) -> Iterator[int]:
    """Yield later frames of a sequence to match a frame with, by view, the most informative first."""
    index = track.views[place : place + REACH]
    q = scene.T_world_cam.q[index]
    turn_deg = np.degrees(rotation_angle(q[:1], q).numpy())
    for least in TURNS_DEG:
        turned = np.flatnonzero(turn_deg >= least)
        if len(turned) and turn_deg[turned[0]] < 3 * least:
            yield int(index[turned[0]])
    for gap in GAPS:
        if gap < len(index):
            yield int(index[gap])


def match(a: View, b: View) -> Pair | None:
    """Match points of two images; None where too few agree, or nothing moved."""
    first, second = _features(a.image), _features(b.image)
    if min(len(first.pixels), len(second.pixels)) < FEWEST_MATCHES:
        return None
    found = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first.descriptors, second.descriptors, k=2)
    good = [m for m, other in found if m.distance < RATIO * other.distance]
    if len(good) < FEWEST_MATCHES:
        return None
    K_a, K_b = _intrinsics(a, first), _intrinsics(b, second)
    x_a = straightened(first.pixels[[m.queryIdx for m in good]], K_a, a.distortion)
    x_b = straightened(second.pixels[[m.trainIdx for m in good]], K_b, b.distortion)
    seen = np.isfinite(x_a).all(axis=1) & np.isfinite(x_b).all(axis=1)
    x_a, x_b = x_a[seen], x_b[seen]
    if len(x_a) < FEWEST_MATCHES:
        return None
    _, inlier = cv2.findFundamentalMat(x_a, x_b, cv2.USAC_MAGSAC, RANSAC_PX, 0.999, 5000)
    if inlier is None or inlier.sum() < FEWEST_MATCHES:
        return None
    x_a, x_b = x_a[inlier.ravel() > 0], x_b[inlier.ravel() > 0]
    if np.median(np.linalg.norm(x_a - x_b, axis=1)) < LEAST_FLOW * max(first.size):
        return None
    return Pair(a, b, x_a, x_b, K_a, K_b, max(first.size))


class _Features(NamedTuple):
    pixels: Floats  # (N, 2), the center of the top-left pixel at (0.5, 0.5)
    descriptors: npt.NDArray[Any]  # (N, 128) float32
    size: tuple[int, int]  # (width, height) in pixels that they are in
    stored: tuple[int, int]  # (width, height) that the file has


@lru_cache(maxsize=64)
def _features(path: Path) -> _Features:
    image = thumbnail(path, LONG_SIDE_PX)
    if image is None:
        return _Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32), (1, 1), (1, 1))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    keypoints, described = cv2.SIFT.create(2000).detectAndCompute(grey, None)
    pixels = np.array([k.pt for k in keypoints]).reshape(-1, 2) + 0.5
    return _Features(pixels, np.asarray(described), grey.shape[::-1], stored_size(path))


def _intrinsics(view: View, features: _Features) -> Floats:
    """Return K (3, 3) of the small image."""
    width, height = view.size or features.stored
    scale = np.array([features.size[0] / width, features.size[1] / height, 1.0])
    return np.asarray(view.K.numpy() * scale[:, None])
