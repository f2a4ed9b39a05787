"""Matched points of groups of images, found without the stated poses and intrinsics, to hold these against."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hinted_posenet.core.types import View
from hinted_posenet.data.checks.checked_scene import Scene
from hinted_posenet.data.checks.groups import (
    FEWEST_NEAR,
    PAIRS_OF_GROUP,
    Pairs,
    anchors,
    group_around,
    usable_cameras,
)
from hinted_posenet.data.decode import thumbnail
from hinted_posenet.data.distortion import straightened
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.sift import detect_sift

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LONG_SIDE_PX = 640  # images are shrunk to it
POINTS = 1000  # of an image
RATIO = 0.8  # Lowe's, of the nearest descriptor to the second
TOLERANCE = (
    0.0025  # of the long side: 1.6 px of 640, from one epipolar geometry whatever the poses say
)
FEWEST_MATCHES = 30
USUAL_MATCHES = 120  # of a pair: with more, images farther apart are matched
WIDER = 1.4  # from group to group, at most
REMEMBERED = 256  # images, of half a megabyte each


class Match(NamedTuple):
    """Two views, by number, and the points that both show, at the size at which they were matched."""

    a: int
    b: int
    x_a: Floats  # (M, 2) pixels, without lens distortion, which the stated intrinsics take out
    x_b: Floats
    K_a: Floats  # (3, 3) pixels, as stated
    K_b: Floats
    long_side_px: float
    group: int = 0  # pairs of one group share frames, and so their errors


class Points(NamedTuple):
    """The points of one image."""

    xy: Floats  # (N, 2) pixels, without lens distortion
    descriptor: npt.NDArray[np.float32]  # (N, 128)
    K: Floats  # (3, 3) pixels
    long_side_px: float


class Matcher:
    """Matches pairs of the views of a scene, and remembers the points of the last images."""

    def __init__(self, scene: Scene) -> None:
        self._points = lru_cache(maxsize=REMEMBERED)(lambda view: find_points(scene.views[view]))

    def __call__(self, pairs: Pairs, group: int) -> list[Match]:
        """Match pairs of views, by number -> those in which enough points obey one epipolar geometry."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._points, {view for pair in pairs for view in pair}))  # each once
            tried = pool.map(self._match, *zip(*pairs, strict=True)) if pairs else []
            return [match._replace(group=group) for match in tried if match]

    def _match(self, a: int, b: int) -> Match | None:
        return match_points(a, b, self._points(a), self._points(b))


def match_groups(scene: Scene, matcher: Matcher, most: int) -> tuple[list[Match], int]:
    """Match about ``most`` pairs of images, in groups that are spread over all sequences.

    The frames of a group are as far apart as their images allow: how many of the cameras count as near grows
    from group to group where pairs have many matches, and shrinks where they have few.

    Returns:
        The matches, and how many of the cameras are near in the end.
    """
    cameras = usable_cameras(scene)
    near = float(max(FEWEST_NEAR, np.sqrt(cameras.is_usable.sum())))
    most_near = max(FEWEST_NEAR, cameras.is_usable.sum() - 1)
    known: set[tuple[int, int]] = set()
    found: list[Match] = []
    bar = tqdm(
        anchors(cameras, -(-most // PAIRS_OF_GROUP)),
        desc=f"matches of {scene.name}",
        delay=1,
        leave=False,
    )
    for group, anchor in enumerate(bar):
        pairs = [pair for pair in group_around(cameras, anchor, round(near)) if pair not in known]
        known.update(pairs)
        matched = matcher(pairs, group)
        found += matched
        counts = np.array([len(match.x_a) for match in matched] + [0] * (len(pairs) - len(matched)))
        if len(counts):
            change = np.clip(np.median(counts) / USUAL_MATCHES, 1 / WIDER, WIDER)
            near = min(max(FEWEST_NEAR, near * float(change)), most_near)
    return found, round(near)


def match_again(
    scene: Scene, matcher: Matcher, doubtful: Sequence[int], near: int, matches: Sequence[Match]
) -> list[Match]:
    """Match some views, by number, with more of their neighbours, from close by and farther away."""
    cameras = usable_cameras(scene)
    place_of = {
        int(view): (track, place)
        for track, views in enumerate(cameras.tracks)
        for place, view in enumerate(views)
    }
    known = {(match.a, match.b) for match in matches}
    found: list[Match] = []
    for view in doubtful:
        groups = [
            group_around(cameras, place_of[view], max(FEWEST_NEAR, near // part)) for part in (1, 2)
        ]
        pairs = {pair for group in groups for pair in group if view in pair} - known
        known |= pairs
        found += matcher(sorted(pairs), len(matches) + view)
    return found


def find_points(view: View) -> Points | None:
    """Find the points of an image; None if it cannot be read."""
    image = thumbnail(view.image, LONG_SIDE_PX)
    if image is None:
        return None
    xy, _, descriptor = detect_sift(image, POINTS)
    height, width = image.shape[:2]
    stated = view.size or stored_size(view.image)
    K = view.K.double().numpy() * np.array([[width / stated[0]], [height / stated[1]], [1.0]])
    xy = straightened(xy, K, view.distortion)
    seen = np.isfinite(xy).all(axis=1)
    return Points(xy[seen], descriptor[seen], K, max(width, height))


def match_points(a: int, b: int, first: Points | None, second: Points | None) -> Match | None:
    """Match the points of two images; None where too few obey one epipolar geometry."""
    import poselib

    if first is None or second is None:
        return None
    in_a, in_b = mutual(first.descriptor, second.descriptor)
    if len(in_a) < FEWEST_MATCHES:
        return None
    x_a, x_b = first.xy[in_a], second.xy[in_b]
    long_side_px = max(first.long_side_px, second.long_side_px)
    ransac = {
        "max_epipolar_error": TOLERANCE * long_side_px,
        "min_iterations": 100,
        "max_iterations": 2000,
    }
    _, found = poselib.estimate_fundamental(x_a, x_b, ransac, {})
    inlier = np.asarray(found["inliers"], bool)
    if inlier.sum() < FEWEST_MATCHES:
        return None
    return Match(a, b, x_a[inlier], x_b[inlier], first.K, second.K, long_side_px)


def mutual(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> tuple[Ints, Ints]:
    """Return the rows of descriptors a (N, D), b (M, D) of unit length that are each other's nearest by far."""
    if min(len(a), len(b)) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    similarity = a @ b.T
    nearest = similarity.argmax(axis=1)
    second, first = np.partition(similarity, -2, axis=1)[:, -2:].T
    # distances of unit vectors, squared and halved
    is_clear = 1 - first < RATIO**2 * (1 - second)
    is_mutual = similarity.argmax(axis=0)[nearest] == np.arange(len(a))
    rows = np.flatnonzero(is_clear & is_mutual)
    return rows, nearest[rows]
