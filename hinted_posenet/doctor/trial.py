"""Conventions on trial: how well matched points of a sequence's images fit each of them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hinted_posenet.doctor.conventions import CONVENTIONS, Convention
from hinted_posenet.doctor.epipolar import fundamental, sampson_px
from hinted_posenet.doctor.matching import Pair, candidates, match
from hinted_posenet.doctor.scene import Scene

Floats = npt.NDArray[np.float64]

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
    F = fundamental(a, b, pair.K_a, pair.K_b)
    fits: npt.NDArray[np.bool_] = sampson_px(F, pair.x_a, pair.x_b) < TOLERANCE * pair.long_side_px
    return fits
