"""Settlement: the streets, buildings and lots of one place, each kind of place in its own way."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.buildings import (
    BARN,
    COTTAGE,
    DARK,
    HALL,
    HOUSE,
    SLAB,
    TERRACE,
    VILLA,
    Box,
    Building,
    Lot,
    Roof,
    Site,
    Style,
    lone_building,
    row_of_houses,
)
from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.segments import Points, Segments
from hinted_posenet.simulator.world.lattice import Bounds
from hinted_posenet.simulator.world.world import Raster

STREET_WIDTH_M = 6.0

Street = tuple[Points, float]  # line (n, 2) in metres, width in metres
Plots = Iterator[tuple[Building, Lot]]


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
    plan = {
        PlaceKind.FARM: _farm,
        PlaceKind.HAMLET: _village,
        PlaceKind.VILLAGE: _village,
        PlaceKind.TOWN: _town,
    }[place.kind]
    streets, plots = plan(place, roads, site, repetition, generator)
    built = list(plots)
    common = [_common(line, place.kind) for line, _ in [*roads, *streets]]
    buildings = [building for building, _ in built]
    return Settlement(
        Segments.of([(line, width_m, int(Cover.ROAD)) for line, width_m in streets]),
        buildings,
        [survey.height_m(*building.box[:2]) for building in buildings],
        [lot for lots in common for lot in lots] + [lot for _, lot in built],
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


def _farm(
    place: Place, roads: list[Street], site: Site, repetition: float, generator: np.random.Generator
) -> tuple[list[Street], Plots]:
    """A house and two or three barns around a yard."""

    def plots() -> Plots:
        turn = float(generator.uniform(0, np.pi))
        styles = (COTTAGE, BARN, BARN, HALL)[: int(generator.integers(3, 5))]
        for style in styles:
            for _ in range(8):  # tries
                out = turn + 0.5 * np.pi * int(generator.integers(4))
                far_m = generator.uniform(14, 32)
                x_m, y_m = place.x_m + far_m * np.cos(out), place.y_m + far_m * np.sin(out)
                built = list(lone_building(site, x_m, y_m, out + 0.5 * np.pi, style, generator))
                yield from built
                if built:
                    break

    return [], plots()


def _village(
    place: Place, roads: list[Street], site: Site, repetition: float, generator: np.random.Generator
) -> tuple[list[Street], Plots]:
    """Houses along the roads and along streets that branch off; barns behind, a church in the middle."""
    streets = _branches(place, roads, site, generator)

    def plots() -> Plots:
        if place.kind == PlaceKind.VILLAGE:
            yield from _church(place, site, generator)
        for line, width_m in [*roads, *streets]:
            style: Style = (COTTAGE, HOUSE)[int(generator.random() < 0.5)]
            if generator.random() < repetition:
                style = HOUSE.alike(generator)
            for side in (1, -1):
                yield from row_of_houses(site, line, width_m, side, style, generator)
        for _ in range(max(1, int(place.radius_m / 60))):
            out, far = generator.uniform(0, 2 * np.pi), generator.uniform(0.3, 0.85)
            x_m = place.x_m + far * place.radius_m * np.cos(out)
            y_m = place.y_m + far * place.radius_m * np.sin(out)
            angle = float(generator.uniform(0, np.pi))
            yield from lone_building(site, x_m, y_m, angle, BARN, generator)

    return streets, plots()


def _branches(
    place: Place, roads: list[Street], site: Site, generator: np.random.Generator
) -> list[Street]:
    """Streets from the centre between the roads, and some off each of those, clear of each other."""
    centre = np.array([place.x_m, place.y_m])
    streets: list[Street] = []

    def open_street(start: Points, angle_rad: float, length_m: float) -> None:
        line = _wind(start, angle_rad, length_m, generator)
        if site.is_free(line, 24.0):
            site.take_line(line, STREET_WIDTH_M + 2)
            streets.append((line, STREET_WIDTH_M))

    taken = [float(np.arctan2(*(line[-1] - line[0])[::-1])) for line, _ in roads]
    for angle in generator.permutation(np.linspace(0, 2 * np.pi, 12, endpoint=False)):
        gaps = [abs((angle - other + np.pi) % (2 * np.pi) - np.pi) for other in taken]
        if len(taken) < place.radius_m / 55 and min(gaps, default=np.pi) > 0.75:
            taken.append(float(angle))
            open_street(centre, float(angle), generator.uniform(0.6, 0.95) * place.radius_m)
    for trunk in [line for line, _ in [*roads, *streets] if len(line) > 3]:
        for _ in range(int(place.radius_m / 45)):
            root = int(generator.integers(1, len(trunk) - 1))
            along = trunk[root] - trunk[root - 1]
            turn = generator.choice([-1, 1]) * generator.uniform(1.3, 1.8)
            far_m = float(np.hypot(*(trunk[root] - centre)))
            length_m = min(generator.uniform(0.3, 0.6) * place.radius_m, place.radius_m - far_m)
            if length_m > 40 and far_m > 45:
                open_street(trunk[root], float(np.arctan2(along[1], along[0]) + turn), length_m)
    return streets


def _town(
    place: Place, roads: list[Street], site: Site, repetition: float, generator: np.random.Generator
) -> tuple[list[Street], Plots]:
    """Blocks between streets: terraces around a market, then houses, estates, slabs, and halls outside."""
    turn = float(generator.uniform(0, np.pi))
    cuts = [_cuts(place.radius_m, generator) for _ in range(2)]
    bend = generator.uniform(-0.5, 0.5, 4) * 30
    zones = generator.random((len(cuts[0]) + 1, len(cuts[1]) + 1))
    industry = float(generator.uniform(0, 2 * np.pi))

    def world(u: Points, v: Points) -> Points:
        """Curved block coordinates -> east and north (n, 2)."""
        r = place.radius_m
        bent_u = u + bend[0] * np.sin(2.2 * v / r) + bend[1] * (v / r) ** 2
        bent_v = v + bend[2] * np.sin(2.2 * u / r) + bend[3] * (u / r) ** 2
        c, s = np.cos(turn), np.sin(turn)
        return np.stack(
            [place.x_m + c * bent_u - s * bent_v, place.y_m + s * bent_u + c * bent_v], axis=-1
        )

    streets: list[tuple[Points, float, tuple[float, float]]] = []
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
                streets.append((line, width_m, (cut, middle) if axis == 0 else (middle, cut)))
    for line, width_m, _ in streets:
        site.take_line(line, width_m + 2)

    def zone(at: tuple[float, float], side: float) -> Style:
        """Style of the block on one side of a street."""
        i, j = (int(np.searchsorted(cut, a + side)) for cut, a in zip(cuts, at, strict=True))
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

    def plots() -> Plots:
        yield from _church(place, site, generator)
        for line, width_m, at in streets:
            for side in (1, -1):
                # sides are told apart by a nudge across the street into the block
                style = zone(at, 5.0 * side)
                if style in (HOUSE, VILLA, COTTAGE) and generator.random() < repetition:
                    style = style.alike(generator)
                yield from row_of_houses(site, line, width_m, side, style, generator)

    return [(line, width_m) for line, width_m, _ in streets], plots()


def _cuts(radius_m: float, generator: np.random.Generator) -> Points:
    """Where streets run across one direction: blocks of 65 to 115 m."""
    count = int(2 * radius_m / 65) + 2
    cuts = np.cumsum(generator.uniform(65, 115, count))
    cuts -= cuts[count // 2]
    return np.asarray(cuts[np.abs(cuts) < radius_m])


def _church(place: Place, site: Site, generator: np.random.Generator) -> Plots:
    """Nave and tower, on a square or in a churchyard near the centre."""
    nave_m = generator.uniform(24, 38)
    roof = DARK[int(generator.integers(len(DARK)))]
    cover = Cover.PAVED if place.kind == PlaceKind.TOWN else Cover.GRASS
    for _ in range(30):
        out, far_m = generator.uniform(0, 2 * np.pi), generator.uniform(22, 60)
        x_m, y_m = place.x_m + far_m * np.cos(out), place.y_m + far_m * np.sin(out)
        box = Box(x_m, y_m, generator.normal(0, 0.12), nave_m, 0.42 * nave_m)  # choir in the east
        if site.take(box, 8.0):
            yard = Lot(box._replace(length_m=nave_m + 22, width_m=0.42 * nave_m + 20), cover)
            yield Building(box, 0.3 * nave_m, 0.2 * nave_m, Roof.GABLE, roof), yard
            west = x_m - 0.5 * nave_m * np.cos(box.angle_rad) - 2.0
            tower = Box(west, y_m - 0.5 * nave_m * np.sin(box.angle_rad), box.angle_rad, 7.5, 7.5)
            yield Building(tower, 0.75 * nave_m, 9.0, Roof.HIP, roof), yard
            return


def _wind(
    start: Points, angle_rad: float, length_m: float, generator: np.random.Generator
) -> Points:
    """A slightly winding street (n, 2)."""
    steps = max(int(length_m / 12), 3)
    turns = angle_rad + np.cumsum(generator.normal(0, 0.05, steps))
    moves = (length_m / steps) * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    return np.asarray(np.concatenate([start[None], start + np.cumsum(moves, axis=0)]))
