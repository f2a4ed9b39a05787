"""Places where people live: farms, hamlets, villages and towns on dry, gentle land."""

import itertools
import math
import zlib
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hinted_posenet.simulator.world import Bounds
from hinted_posenet.simulator.world.generated.relief import Relief

TRIES = 24  # spots that are compared for a place
APART_M = 60.0  # of open land between two places
STEEP = 0.16  # rise over run from which on nothing is built


class PlaceKind(IntEnum):
    """Kind of a settlement, by size."""

    FARM = 0
    HAMLET = 1
    VILLAGE = 2
    TOWN = 3


RADIUS_M = {
    PlaceKind.FARM: (55.0, 65.0),
    PlaceKind.HAMLET: (80.0, 130.0),
    PlaceKind.VILLAGE: (180.0, 300.0),
    PlaceKind.TOWN: (420.0, 700.0),
}


class Place(NamedTuple):
    """A settlement."""

    seed: int  # of all that is built there
    kind: PlaceKind
    x_m: float
    y_m: float
    radius_m: float

    @property
    def bounds(self) -> Bounds:
        """Square around all that is built."""
        return Bounds.around(self.x_m, self.y_m, self.radius_m)


def found_places(
    relief: Relief, bounds: Bounds, seed: int, spacing_m: float, town_spacing_m: float
) -> list[Place]:
    """Choose places in and around the bounds, at most one in every square of `spacing_m`.

    One square in every block of about `town_spacing_m` holds a town, which displaces smaller places.
    """
    town_every = max(1, round(town_spacing_m / spacing_m))
    places = []
    # squares in the bounds and one square around them
    east = range(math.floor(bounds.xmin / spacing_m) - 1, math.ceil(bounds.xmax / spacing_m) + 1)
    north = range(math.floor(bounds.ymin / spacing_m) - 1, math.ceil(bounds.ymax / spacing_m) + 1)
    for i, j in itertools.product(east, north):
        generator = _generator(seed, "place", i, j)
        spots = (np.array([i, j]) + generator.uniform(0.1, 0.9, (TRIES, 2))) * spacing_m
        kind_draw, size_draw = generator.random(2)
        kind = PlaceKind(int(np.searchsorted([0.38, 0.6], kind_draw)))
        block = _generator(seed, "town", i // town_every, j // town_every)
        if tuple(block.integers(town_every, size=2)) == (i % town_every, j % town_every):
            kind = PlaceKind.TOWN
        score = _suitability(relief, spots)
        best = int(np.argmax(score))
        if score[best] > -math.inf:
            low, high = RADIUS_M[kind]
            radius_m = low + (high - low) * size_draw
            x_m, y_m = (float(m) for m in spots[best])
            places.append(Place(int(generator.integers(2**31)), kind, x_m, y_m, radius_m))
    return _without_overlap(places)


def _suitability(relief: Relief, spots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a score that is higher for gentle land; -inf where it is wet or steep."""
    x, y = spots.T
    ring = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 6, endpoint=False)]
    around = [(x + 60 * dx, y + 60 * dy) for dx, dy in ring] + [(x, y)]
    slope = np.mean([relief.slope(*spot) for spot in around], axis=0)
    wet = np.any([relief.is_water(*spot) for spot in around], axis=0)
    return np.where(wet | (slope > STEEP), -math.inf, -slope)


def _without_overlap(places: list[Place]) -> list[Place]:
    """Drop the places that a larger one would cover."""
    by_size = sorted(places, key=lambda place: -place.radius_m)
    at = np.array([(place.x_m, place.y_m) for place in by_size]).reshape(-1, 2)
    reach_m = 2 * RADIUS_M[PlaceKind.TOWN][1] + APART_M
    near = cKDTree(at).query_ball_point(at, reach_m) if places else []
    kept: set[int] = set()
    for number, place in enumerate(by_size):
        larger = [by_size[other] for other in near[number] if other in kept]
        if all(
            math.dist(place[2:4], other[2:4]) > place.radius_m + other.radius_m + APART_M
            for other in larger
        ):
            kept.add(number)
    return [by_size[number] for number in sorted(kept)]


def _generator(seed: int, name: str, i: int, j: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode()), i % 2**32, j % 2**32])
