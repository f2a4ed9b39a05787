"""Which images are matched with which: small groups of frames that should see the same, whatever the units."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hinted_posenet.core.geometry import rotate
from hinted_posenet.data.checks.checked_scene import Scene

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Pairs = list[tuple[int, int]]

IN_GROUP = 5  # a frame, two near it in time and two near it in position
PAIRS_OF_GROUP = IN_GROUP * (IN_GROUP - 1) // 2
SAME_VIEW = np.cos(np.radians(40))  # of the angle between the directions of two cameras
FEWEST_NEAR = 4
IN_TIME = 5  # of so many frames that are near, the neighbours in time are this part away


class Cameras(NamedTuple):
    """Where the usable cameras of a scene are."""

    tracks: list[Ints]  # of each sequence, views by number in the order in which they were taken
    is_usable: Bools  # (N,)
    t_m: Floats  # (N, 3) from the middle of the scene
    ahead: Floats  # (N, 3) unit vectors along the optical axes, in the world


def usable_cameras(scene: Scene) -> Cameras:
    """Return the cameras whose images were read."""
    usable = np.array([scene.images[view.image].size is not None for view in scene.views], bool)
    t, q = scene.T_world_cam
    ahead = rotate(q, t.new_tensor([0.0, 0, 1]).expand_as(t)).numpy()
    tracks = [track.views[usable[track.views]] for track in scene.tracks]
    return Cameras(tracks, usable, (t - t.median(dim=0).values).numpy(), ahead)


def anchors(cameras: Cameras, groups: int) -> list[tuple[int, int]]:
    """Choose the frames around which groups are formed, (sequence, place) each, evenly over all sequences."""
    places = [(n, p) for n, views in enumerate(cameras.tracks) for p in range(len(views))]
    count = min(len(places), groups)
    return [places[n] for n in np.linspace(0, len(places) - 1, count + 2).round().astype(int)[1:-1]]


def group_around(cameras: Cameras, anchor: tuple[int, int], near: int) -> Pairs:
    """Return all pairs, by number, of a frame with two neighbours in time and two in position.

    A frame whose pose is wrong then stands against several whose poses agree. Neighbours in time are there
    because the neighbours of a wrong position see something else.

    Args:
        cameras: Of the scene.
        anchor: The frame, see `anchors`.
        near: How many of the cameras are near, which makes the choice independent of units and density.
    """
    views, place = cameras.tracks[anchor[0]], anchor[1]
    away = max(1, near // IN_TIME)
    beside = [other for other in (place - away, place + away) if 0 <= other < len(views)]
    group = [int(views[other]) for other in (place, *beside)]
    others = _near(cameras, group[0], near)
    return list(combinations(sorted([*group, *_spread_out(cameras.t_m, group, others)]), 2))


def _near(cameras: Cameras, view: int, most: int) -> Ints:
    """Return the cameras that look the same way as one, by number, the nearest ``most``."""
    alike = cameras.is_usable & (cameras.ahead @ cameras.ahead[view] > SAME_VIEW)
    alike[view] = False
    found = np.flatnonzero(alike)
    away_m = np.linalg.norm(cameras.t_m[found] - cameras.t_m[view], axis=1)
    nearest: Ints = found[np.argsort(away_m, kind="stable")[:most]]
    return nearest


def _spread_out(t_m: Floats, group: list[int], others: Ints) -> list[int]:
    """Choose those of the others that are farthest from a group and from each other, to fill the group."""
    chosen = list(group)
    while len(chosen) < IN_GROUP and len(others := np.setdiff1d(others, chosen)):
        away_m = np.linalg.norm(t_m[others][:, None] - t_m[chosen], axis=-1).min(axis=1)
        chosen.append(int(others[away_m.argmax()]))
    return chosen[len(group) :]
