"""Farms, hamlets and villages: houses along the roads that meet there, and along streets that branch off."""

import numpy as np

from hinted_posenet.simulator.world.generated.buildings import (
    BARN,
    COTTAGE,
    DARK,
    HALL,
    HOUSE,
    Box,
    Building,
    Lot,
    Roof,
    Style,
)
from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.segments import Points
from hinted_posenet.simulator.world.generated.site import (
    STREET_WIDTH_M,
    Plots,
    Site,
    Street,
    lone_building,
    row_of_houses,
)


def build_farm(place: Place, site: Site, generator: np.random.Generator) -> Plots:
    """A house and two or three barns around a yard."""
    plots: Plots = []
    turn = float(generator.uniform(0, np.pi))
    for style in (COTTAGE, BARN, BARN, HALL)[: int(generator.integers(3, 5))]:
        for _ in range(8):  # tries
            out = turn + 0.5 * np.pi * int(generator.integers(4))
            far_m = generator.uniform(14, 32)
            x_m, y_m = place.x_m + far_m * np.cos(out), place.y_m + far_m * np.sin(out)
            built = lone_building(site, x_m, y_m, out + 0.5 * np.pi, style, generator)
            plots += built
            if built:
                break
    return plots


def build_village(
    place: Place, roads: list[Street], site: Site, repetition: float, generator: np.random.Generator
) -> tuple[list[Street], Plots]:
    """Houses along the roads and along streets that branch off; barns behind, a church in the middle."""
    streets = _branches(place, roads, site, generator)
    plots: Plots = []
    if place.kind == PlaceKind.VILLAGE:
        plots += build_church(place, site, generator)
    for line, width_m in [*roads, *streets]:
        style: Style = (COTTAGE, HOUSE)[int(generator.random() < 0.5)]
        if generator.random() < repetition:
            style = HOUSE.alike(generator)
        for side in (1, -1):
            plots += row_of_houses(site, line, width_m, side, style, generator)
    for _ in range(max(1, int(place.radius_m / 60))):
        out, far = generator.uniform(0, 2 * np.pi), generator.uniform(0.3, 0.85)
        x_m = place.x_m + far * place.radius_m * np.cos(out)
        y_m = place.y_m + far * place.radius_m * np.sin(out)
        angle = float(generator.uniform(0, np.pi))
        plots += lone_building(site, x_m, y_m, angle, BARN, generator)
    return streets, plots


def build_church(place: Place, site: Site, generator: np.random.Generator) -> Plots:
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
            nave = Building(box, 0.3 * nave_m, 0.2 * nave_m, Roof.GABLE, roof)
            west = x_m - 0.5 * nave_m * np.cos(box.angle_rad) - 2.0
            foot = Box(west, y_m - 0.5 * nave_m * np.sin(box.angle_rad), box.angle_rad, 7.5, 7.5)
            return [(nave, yard), (Building(foot, 0.75 * nave_m, 9.0, Roof.HIP, roof), yard)]
    return []


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


def _wind(
    start: Points, angle_rad: float, length_m: float, generator: np.random.Generator
) -> Points:
    """A slightly winding street (n, 2)."""
    steps = max(int(length_m / 12), 3)
    turns = angle_rad + np.cumsum(generator.normal(0, 0.05, steps))
    moves = (length_m / steps) * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    return np.asarray(np.concatenate([start[None], start + np.cumsum(moves, axis=0)]))
