"""Conventions on trial: how well matched points of a sequence's images fit each of them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from tqdm import tqdm

from hinted_posenet.doctor.conventions import CONVENTIONS, Convention
from hinted_posenet.doctor.matching import Floats, Pair, candidates, match
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.geometry import quaternion_inverse, quaternion_product, rotate
from hinted_posenet.types import Pose

TRIES = 30  # frames, evenly over all sequences, to look for a telling pair from
TOLERANCE = 0.005  # of the long side: 3 px of 640; raw 7-Scenes poses are off by 1 to 2 px


class Trial(NamedTuple):
    """Pairs of images, and the share of their matches that fit each convention."""

    pairs: list[Pair]
    share: Floats  # (P, C) within [0, 1]; the first convention is the stated one

    @property
    def mean_share(self) -> Floats:
        """(C,) over the pairs; zero where there is none."""
        return self.share.mean(axis=0) if self.pairs else np.zeros(len(CONVENTIONS))


def try_conventions(scene: Scene) -> Trial:
    """Match images of the scene's sequences; without images or intrinsics there are no pairs."""
    usable = np.array([scene.images[view.image].size is not None for view in scene.views], bool)
    places = [
        (track, place) for track in scene.tracks for place in np.flatnonzero(usable[track.views])
    ]
    if not places or not scene.has_intrinsics:
        return Trial([], np.zeros((0, len(CONVENTIONS))))
    chosen = np.unique(np.linspace(0, len(places) - 1, TRIES + 2).round().astype(int)[1:-1])
    pairs = []
    for number in tqdm(chosen, desc=f"convention of {scene.name}", delay=1, leave=False):
        track, place = places[number]
        first = scene.views[track.views[place]]
        for other in candidates(scene, track, place):
            if usable[other] and (pair := match(first, scene.views[other])):
                pairs.append(pair)
                break
    share = [[fit(pair, c).mean() for c in CONVENTIONS] for pair in pairs]
    return Trial(pairs, np.array(share).reshape(-1, len(CONVENTIONS)))


def fit(pair: Pair, convention: Convention) -> npt.NDArray[np.bool_]:
    """Which matches (M,) of a pair obey the poses under a convention."""
    a, b = (convention.apply(view.T_world_cam) for view in (pair.a, pair.b))
    distance_px = sampson_px(fundamental(a, b, pair.K_a, pair.K_b), pair.x_a, pair.x_b)
    return np.asarray(distance_px < TOLERANCE * pair.long_side_px)


def fundamental(a: Pose, b: Pose, K_a: Floats, K_b: Floats) -> Floats:
    """F (3, 3) with ``x_b^T F x_a = 0`` for homogeneous pixels of one point seen by cameras a and b.

    Args:
        a: T_world_cam of the first camera.
        b: T_world_cam of the second.
        K_a: (3, 3) pixels.
        K_b: (3, 3) pixels.
    """
    to_b = quaternion_inverse(b.q)
    R = quaternion_to_rotation_matrix(quaternion_product(to_b, a.q)).numpy()
    t = rotate(to_b, a.t - b.t)
    length = float(t.norm())
    # without a baseline any will do: then a right rotation obeys all of them, and a wrong one none
    baseline = t.numpy() / length if length > 0 else np.array([1.0, 0.0, 0.0])
    E = np.cross(np.eye(3), baseline) @ R
    return np.asarray(np.linalg.inv(K_b).T @ E @ np.linalg.inv(K_a))


def sampson_px(F: Floats, x_a: Floats, x_b: Floats) -> Floats:
    """First-order distance (M,) in pixels of matches x_a, x_b (M, 2) from obeying F."""
    ones = np.ones((len(x_a), 1))
    a, b = np.hstack([x_a, ones]), np.hstack([x_b, ones])
    lines_b, lines_a = a @ F.T, b @ F
    error = np.abs((b * lines_b).sum(axis=1))
    slope = np.sqrt((lines_b[:, :2] ** 2).sum(axis=1) + (lines_a[:, :2] ** 2).sum(axis=1))
    return np.asarray(error / np.maximum(slope, 1e-300))
