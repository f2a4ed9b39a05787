"""Settlements: the streets, buildings and lots of a place, and the plan of towns."""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Bounds, Cover, Raster
from hinted_posenet.simulator.world.generated.buildings import (
    COTTAGE,
    HALL,
    HOUSE,
    SLAB,
    TERRACE,
    VILLA,
    Box,
    Building,
    Lot,
    Style,
)
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.roads import Points, Segments
from hinted_posenet.simulator.world.generated.site import (
    STREET_WIDTH_M,
    Plots,
    Site,
    Street,
    build_church,
    build_farm,
    build_village,
    row_of_houses,
)


def build_town(
    place: Place, site: Site, repetition: float, generator: np.random.Generator
) -> tuple[list[Street], Plots]:
    """Build blocks between streets: terraces around a market, then houses, villas, slabs, halls outside."""
    turn = float(generator.uniform(0, np.pi))
    cuts = [_cuts(place.radius_m, generator) for _ in range(2)]
    bend = generator.uniform(-0.5, 0.5, 4) * 30
    zones = generator.random((len(cuts[0]) + 1, len(cuts[1]) + 1))
    industry = float(generator.uniform(0, 2 * np.pi))

    def world(u: Points, v: Points) -> Points:
        """Transform block coordinates, which are curved, to east and north (n, 2)."""
        r = place.radius_m
        bent_u = u + bend[0] * np.sin(2.2 * v / r) + bend[1] * (v / r) ** 2
        bent_v = v + bend[2] * np.sin(2.2 * u / r) + bend[3] * (u / r) ** 2
        c, s = np.cos(turn), np.sin(turn)
        return np.stack(
            [place.x_m + c * bent_u - s * bent_v, place.y_m + s * bent_u + c * bent_v], axis=-1
        )

    # line, width and, in block coordinates, a place in the blocks on its left and right
    streets: list[tuple[Points, float, dict[int, tuple[float, float]]]] = []
    for axis in (0, 1):
        blocks = itertools.pairwise(cuts[1 - axis])
        for cut, (start, end) in itertools.product(cuts[axis], blocks):
            middle = 0.5 * (start + end)
            reach = np.hypot(cut, middle) / place.radius_m
            t = np.linspace(start, end, 7)
            line = world(np.full(7, cut), t) if axis == 0 else world(t, np.full(7, cut))
            left_out = reach > 0.25 and generator.random() < 0.1
            if reach < 0.93 and not left_out and site.blocked_share(line) < 0.5:
                width_m = 9.0 if abs(cut) < 45 else STREET_WIDTH_M
                beside = {
                    side: (cut - 5.0 * side, middle) if axis == 0 else (middle, cut + 5.0 * side)
                    for side in (1, -1)
                }
                streets.append((line, width_m, beside))
    for line, width_m, _ in streets:
        site.take_line(line, width_m + 2)

    def zone(at: tuple[float, float]) -> Style:
        """Return the style of the block at a place in block coordinates."""
        i, j = (int(np.searchsorted(cut, a)) for cut, a in zip(cuts, at, strict=True))
        draw = float(zones[i, j])
        far = float(np.hypot(*at)) / place.radius_m
        out = float(np.arctan2(at[1], at[0])) - industry
        if far < 0.3:
            return TERRACE
        if far > 0.5 and np.cos(out) > 0.75:
            return HALL
        if draw < 0.14:
            return SLAB
        return (HOUSE, VILLA, COTTAGE)[int(draw * 97) % 3]

    plots = build_church(place, site, generator)
    for line, width_m, beside in streets:
        for side, at in beside.items():
            style = zone(at)
            if style in (HOUSE, VILLA, COTTAGE) and generator.random() < repetition:
                style = style.alike(generator)
            plots += row_of_houses(site, line, width_m, side, style, generator)
    return [(line, width_m) for line, width_m, _ in streets], plots


def _cuts(radius_m: float, generator: np.random.Generator) -> Points:
    """Draw where streets cross one direction, for blocks of 65 to 115 m."""
    count = int(2 * radius_m / 65) + 2
    cuts = np.cumsum(generator.uniform(65, 115, count))
    cuts -= cuts[count // 2]
    return np.asarray(cuts[np.abs(cuts) < radius_m])


class Survey(NamedTuple):
    """The ground (rows, cols) of a place, north up."""

    bounds: Bounds
    terrain_m: Raster
    blocked: NDArray[np.bool_]  # where nothing may be built

    def height_m(self, x_m: float, y_m: float) -> float:
        """Return the height of the terrain at a point."""
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
    """Build streets and houses of a place; the same place gives the same houses.

    ``roads`` and ``tracks``, along which nothing is built, are those of the country within its radius,
    from the center outwards. ``repetition`` is the share of streets whose houses are identical.
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
    depth_m = 110.0 if place.kind == PlaceKind.TOWN else 64.0
    lots = []  # grass behind the houses of a street, so that no field reaches into a place
    for line, _ in [*roads, *streets]:
        for start, end in itertools.pairwise(line):
            (x_m, y_m), (dx, dy) = 0.5 * (start + end), end - start
            length_m = float(np.hypot(dx, dy)) + 12.0
            box = Box(x_m, y_m, float(np.arctan2(dy, dx)), length_m, depth_m)
            lots.append(Lot(box, Cover.GRASS))
    return Settlement(
        Segments.of([(line, width_m, int(Cover.ROAD)) for line, width_m in streets]),
        buildings,
        [survey.height_m(*building.box[:2]) for building in buildings],
        lots + [lot for _, lot in plots],
    )
