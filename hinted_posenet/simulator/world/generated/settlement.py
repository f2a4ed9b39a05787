"""Settlement: the streets, buildings and lots of one place, each kind of place in its own way."""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.buildings import Box, Building, Lot
from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.segments import Points, Segments
from hinted_posenet.simulator.world.generated.site import Site, Street
from hinted_posenet.simulator.world.generated.town import build_town
from hinted_posenet.simulator.world.generated.village import build_farm, build_village
from hinted_posenet.simulator.world.lattice import Bounds
from hinted_posenet.simulator.world.world import Raster


class Survey(NamedTuple):
    """The ground (rows, cols) of a place, north up, from its north-west corner on."""

    bounds: Bounds
    terrain_m: Raster
    blocked: NDArray[np.bool_]  # where nobody builds

    def height_m(self, x_m: float, y_m: float) -> float:
        """Terrain at a point."""
        rows, cols = self.terrain_m.shape
        row = int((self.bounds.ymax - y_m) / self.bounds.height_m * rows)
        col = int((x_m - self.bounds.xmin) / self.bounds.width_m * cols)
        return float(self.terrain_m[row, col])


class Settlement(NamedTuple):
    """All that stands at one place."""

    streets: Segments
    buildings: list[Building]
    bases_m: list[float]  # ground of each building
    lots: list[Lot]


def build_settlement(
    place: Place, roads: list[Street], tracks: list[Street], survey: Survey, repetition: float
) -> Settlement:
    """Streets and houses of a place; the same place gives the same houses.

    Args:
        place: where, how large, and the seed.
        roads: parts of the country's roads within its radius, from the centre outwards.
        tracks: the same of tracks, along which nothing is built.
        survey: of the ground it is built on.
        repetition: share of the streets along which all houses are alike.
    """
    generator = np.random.default_rng(place.seed)
    site = Site(survey.bounds, survey.blocked)
    for line, width_m in [*roads, *tracks]:
        site.take_line(line, width_m + 2)
    streets: list[Street] = []
    if place.kind == PlaceKind.FARM:
        plots = build_farm(place, site, generator)
    elif place.kind == PlaceKind.TOWN:
        streets, plots = build_town(place, site, repetition, generator)
    else:
        streets, plots = build_village(place, roads, site, repetition, generator)
    buildings = [building for building, _ in plots]
    common = [lot for line, _ in [*roads, *streets] for lot in _common(line, place.kind)]
    return Settlement(
        Segments.of([(line, width_m, int(Cover.ROAD)) for line, width_m in streets]),
        buildings,
        [survey.height_m(*building.box[:2]) for building in buildings],
        common + [lot for _, lot in plots],
    )


def _common(line_m: Points, kind: PlaceKind) -> list[Lot]:
    """Grass and gardens behind the houses of a street, so that no field reaches into a place."""
    depth_m = 110.0 if kind == PlaceKind.TOWN else 64.0
    lots = []
    for start, end in itertools.pairwise(line_m):
        (x_m, y_m), (dx, dy) = 0.5 * (start + end), end - start
        length_m = float(np.hypot(dx, dy)) + 12.0
        lots.append(Lot(Box(x_m, y_m, float(np.arctan2(dy, dx)), length_m, depth_m), Cover.GRASS))
    return lots
