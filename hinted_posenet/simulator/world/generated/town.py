"""Towns: blocks between streets - terraces around a market, then houses and slabs, and halls on one side."""

import itertools

import numpy as np

from hinted_posenet.simulator.world.generated.buildings import (
    COTTAGE,
    HALL,
    HOUSE,
    SLAB,
    TERRACE,
    VILLA,
    Style,
)
from hinted_posenet.simulator.world.generated.places import Place
from hinted_posenet.simulator.world.generated.segments import Points
from hinted_posenet.simulator.world.generated.site import (
    STREET_WIDTH_M,
    Plots,
    Site,
    Street,
    row_of_houses,
)
from hinted_posenet.simulator.world.generated.village import build_church


def build_town(
    place: Place, site: Site, repetition: float, generator: np.random.Generator
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

    # line, width and, in block coordinates, a place beside it in the block on its left and right
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
        """Style of the block at a place in block coordinates."""
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
    """Where streets run across one direction: blocks of 65 to 115 m."""
    count = int(2 * radius_m / 65) + 2
    cuts = np.cumsum(generator.uniform(65, 115, count))
    cuts -= cuts[count // 2]
    return np.asarray(cuts[np.abs(cuts) < radius_m])
