"""The free land around a place, and the farms, hamlets and villages that are built on it."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Bounds, Cover
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
    draw_house,
    unit,
)
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.roads import Points

STREET_WIDTH_M = 6.0

Street = tuple[Points, float]  # line (n, 2) in metres, width in metres
Plots = list[tuple[Building, Lot]]


class Site:
    """The ground around a place that is still free to be built on, metre by metre.

    ``blocked`` is water and steep ground (rows, cols) over the bounds at any resolution, north up.
    """

    def __init__(self, bounds: Bounds, blocked: NDArray[np.bool_]) -> None:
        self._corner_m = np.array([bounds.xmin, bounds.ymax])
        size = math.ceil(bounds.width_m), math.ceil(bounds.height_m)
        taken = cv2.resize(blocked.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        self._taken = np.asarray(taken)
        self._blocked = self._taken > 0

    def take_line(self, line_m: Points, width_m: float) -> None:
        """Occupy the ground of a street."""
        pixels = [self._pixels(line_m)]
        cv2.polylines(self._taken, pixels, False, 1, max(1, round(width_m)))

    def blocked_share(self, line_m: Points) -> float:
        """Return the share of a line's points that lie in water, on steep ground or off the site."""
        pixels = self._pixels(line_m)
        inside = ((pixels >= 0) & (pixels < self._blocked.shape[::-1])).all(axis=1)
        blocked = self._blocked[tuple(pixels[inside].T[::-1])].sum() + (~inside).sum()
        return float(blocked) / len(line_m)

    def is_free(self, line_m: Points, clear_m: float) -> bool:
        """Return whether a street would keep clear of all others, except where it begins."""
        far = np.hypot(*(line_m - line_m[0]).T) > clear_m + 6
        pixels = self._pixels(line_m[far])
        inside = ((pixels >= 0) & (pixels < self._taken.shape[::-1])).all(axis=1)
        reach = cv2.dilate(self._taken, np.ones((2 * int(clear_m) + 1,) * 2, np.uint8))
        return bool(inside.all() and not reach[pixels[:, 1], pixels[:, 0]].any())

    def take(self, box: Box, margin_m: float = 0.0) -> bool:
        """Occupy a box if all of it is free, with a margin, possibly negative, that others must not use."""
        outline = self._pixels(box.corners(min(margin_m, 0.0)))
        low, high = outline.min(axis=0), outline.max(axis=0) + 1
        if (low < 0).any() or (high > self._taken.shape[::-1]).any():
            return False
        mask = np.zeros(high[::-1] - low[::-1], np.uint8)
        cv2.fillConvexPoly(mask, outline - low, 1)
        if (self._taken[low[1] : high[1], low[0] : high[0]] & mask).any():
            return False
        cv2.fillConvexPoly(self._taken, self._pixels(box.corners(max(margin_m, 0.0))), 1)
        return True

    def _pixels(self, points_m: Points) -> NDArray[np.int32]:
        return np.asarray(np.floor((points_m - self._corner_m) * [1, -1]), np.int32)


def row_of_houses(
    site: Site,
    street_m: Points,
    street_width_m: float,
    side: int,
    style: Style,
    generator: np.random.Generator,
) -> Plots:
    """Build houses along one side (1 left, -1 right) of a street, wherever the site is free."""
    mileage_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(street_m, axis=0).T))])
    at_m = float(generator.uniform(*style.gap_m))
    plots: Plots = []
    while True:
        house, setback_m, garden_m = draw_house(style, generator)
        turned = generator.random() < style.turned
        along_m, depth_m = (house.box.width_m, house.box.length_m) if turned else house.box[3:]
        gap_m = float(generator.uniform(*style.gap_m))
        middle_m, at_m = at_m + 0.5 * along_m, at_m + along_m + gap_m
        if at_m - gap_m > mileage_m[-1]:
            return plots
        index = min(int(np.searchsorted(mileage_m, middle_m, "right")) - 1, len(street_m) - 2)
        step = street_m[index + 1] - street_m[index]
        angle = float(np.arctan2(step[1], step[0]))
        foot = street_m[index] + (middle_m - mileage_m[index]) * unit(angle)
        outward = side * unit(angle + 0.5 * np.pi)
        middle = foot + (0.5 * street_width_m + setback_m + 0.5 * depth_m) * outward
        turn = 0.5 * np.pi * turned
        box = house.box._replace(x_m=middle[0], y_m=middle[1], angle_rad=angle + turn)
        # houses without a gap touch, and may overlap by the metre of the site's pixels
        apart_m = min(0.3 * style.gap_m[0], 2.0) if style.gap_m[0] > 0 else -1.0
        if not site.take(box, apart_m):
            continue
        lot_depth_m = setback_m + depth_m + garden_m
        lot = foot + (0.5 * street_width_m + 0.5 * lot_depth_m) * outward
        lot_box = Box(lot[0], lot[1], angle, along_m + gap_m, lot_depth_m)
        plots.append((house._replace(box=box), Lot(lot_box, style.lot)))


def lone_building(
    site: Site,
    x_m: float,
    y_m: float,
    angle_rad: float,
    style: Style,
    generator: np.random.Generator,
) -> Plots:
    """Build one detached building, if the site is free."""
    house, setback_m, _ = draw_house(style, generator)
    box = house.box._replace(x_m=x_m, y_m=y_m, angle_rad=angle_rad)
    if not site.take(box, 2.0):
        return []
    wide = box._replace(length_m=box.length_m + 2 * setback_m, width_m=box.width_m + 2 * setback_m)
    return [(house._replace(box=box), Lot(wide, style.lot))]


def build_farm(place: Place, site: Site, generator: np.random.Generator) -> Plots:
    """Build a house and two or three barns around a yard."""
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
    """Build houses along the roads and along streets that branch off, barns behind, and a church."""
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
    """Build nave and tower, on a square or in a churchyard near the center."""
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
    """Build streets from the center between the roads, and some off each of those, clear of each other."""
    center = np.array([place.x_m, place.y_m])
    streets: list[Street] = []

    def open_street(start: Points, angle_rad: float, length_m: float) -> None:
        steps = max(int(length_m / 12), 3)
        turns = angle_rad + np.cumsum(generator.normal(0, 0.05, steps))  # it winds slightly
        moves = (length_m / steps) * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        line = np.concatenate([start[None], start + np.cumsum(moves, axis=0)])
        if site.is_free(line, 24.0):
            site.take_line(line, STREET_WIDTH_M + 2)
            streets.append((line, STREET_WIDTH_M))

    taken = [float(np.arctan2(*(line[-1] - line[0])[::-1])) for line, _ in roads]
    for angle in generator.permutation(np.linspace(0, 2 * np.pi, 12, endpoint=False)):
        gaps = [abs((angle - other + np.pi) % (2 * np.pi) - np.pi) for other in taken]
        if len(taken) < place.radius_m / 55 and min(gaps, default=np.pi) > 0.75:
            taken.append(float(angle))
            open_street(center, float(angle), generator.uniform(0.6, 0.95) * place.radius_m)
    for trunk in [line for line, _ in [*roads, *streets] if len(line) > 3]:
        for _ in range(int(place.radius_m / 45)):
            root = int(generator.integers(1, len(trunk) - 1))
            along = trunk[root] - trunk[root - 1]
            turn = generator.choice([-1, 1]) * generator.uniform(1.3, 1.8)
            far_m = float(np.hypot(*(trunk[root] - center)))
            length_m = min(generator.uniform(0.3, 0.6) * place.radius_m, place.radius_m - far_m)
            if length_m > 40 and far_m > 45:
                open_street(trunk[root], float(np.arctan2(along[1], along[0]) + turn), length_m)
    return streets
