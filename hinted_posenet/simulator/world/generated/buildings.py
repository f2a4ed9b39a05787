"""Buildings: styles of houses, and houses in rows along a street where there is room."""

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.segments import Points
from hinted_posenet.simulator.world.lattice import Bounds

Range = tuple[float, float]


class Roof(IntEnum):
    """Shape of a roof."""

    FLAT = 0
    GABLE = 1
    HIP = 2


class Box(NamedTuple):
    """A rectangle on the ground; the length runs along the angle, counterclockwise from east."""

    x_m: float
    y_m: float
    angle_rad: float
    length_m: float
    width_m: float

    def corners(self, margin_m: float = 0.0) -> Points:
        """Corners (4, 2), in order."""
        u = (0.5 * self.length_m + margin_m) * _unit(self.angle_rad)
        v = (0.5 * self.width_m + margin_m) * _unit(self.angle_rad + 0.5 * np.pi)
        middle = np.array([self.x_m, self.y_m])
        return np.asarray(middle + np.array([u + v, u - v, -u - v, v - u]))


class Building(NamedTuple):
    """A box with walls and a roof; of a gable the ridge runs along the length."""

    box: Box
    eaves_m: float  # above the ground
    rise_m: float  # of the ridge above the eaves
    roof: Roof
    rgb: tuple[int, int, int]


class Lot(NamedTuple):
    """Ground that goes with buildings: gardens, yards, car parks."""

    box: Box
    cover: Cover


class Style(NamedTuple):
    """How houses of one kind look and stand; ranges are drawn from, house by house."""

    length_m: Range
    width_m: Range
    eaves_m: Range
    pitch: Range  # rise over half the width
    gap_m: Range  # between neighbours
    setback_m: Range  # from the edge of the street
    garden_m: Range  # behind the house
    roof: Roof
    lot: Cover
    turned: float  # share that stands with its gable to the street
    colours: tuple[tuple[int, int, int], ...]

    def alike(self, generator: np.random.Generator) -> "Style":
        """The same house again and again: every range is one number."""

        def one(limits: Range) -> Range:
            return (float(generator.uniform(*limits)),) * 2

        return self._replace(
            length_m=one(self.length_m),
            width_m=one(self.width_m),
            eaves_m=one(self.eaves_m),
            pitch=one(self.pitch),
            gap_m=one(self.gap_m),
            setback_m=one(self.setback_m),
            turned=round(generator.random()),
            colours=(self.colours[int(generator.integers(len(self.colours)))],),
        )


# sRGB as orthophotos show them: sunlit, weathered
TILES = ((158, 92, 70), (142, 80, 62), (170, 110, 84), (128, 78, 64), (148, 102, 84))
DARK = ((86, 84, 86), (104, 98, 96), (74, 76, 82), (116, 104, 98))
PALE = ((186, 184, 180), (168, 170, 172), (204, 202, 198), (148, 150, 152), (132, 144, 156))

COTTAGE = Style(
    (10, 19), (7.5, 11), (3.5, 6), (0.7, 1.1), (5, 14), (3, 9), (8, 26), Roof.GABLE, Cover.YARD,
    0.45, (*TILES, *TILES, *DARK),
)  # fmt: skip
HOUSE = Style(
    (10, 14), (8.5, 11), (4, 6.5), (0.5, 0.9), (7, 13), (4, 8), (10, 20), Roof.GABLE, Cover.YARD,
    0.4, (*TILES, *TILES, *DARK, *DARK, *PALE[:1]),
)  # fmt: skip
VILLA = HOUSE._replace(length_m=(11, 15), width_m=(10, 13), roof=Roof.HIP, pitch=(0.35, 0.6))
TERRACE = Style(
    (11, 19), (11, 13.5), (9, 14), (0.6, 1.0), (0, 0), (2.5, 2.5), (6, 10), Roof.GABLE, Cover.PAVED,
    0.0, (*TILES, *TILES, *DARK),
)  # fmt: skip
SLAB = Style(
    (38, 64), (11, 13), (12, 19), (0, 0), (18, 30), (9, 14), (12, 20), Roof.FLAT, Cover.GRASS,
    0.25, PALE,
)  # fmt: skip
HALL = Style(
    (30, 75), (22, 42), (6, 11), (0, 0), (12, 24), (12, 22), (8, 16), Roof.FLAT, Cover.PAVED,
    0.3, (*PALE, *PALE, (122, 88, 80), (96, 112, 128)),
)  # fmt: skip
BARN = Style(
    (20, 42), (12, 20), (5, 8), (0.35, 0.6), (8, 16), (4, 8), (6, 12), Roof.GABLE, Cover.YARD,
    0.3, (*TILES, *DARK, *PALE),
)  # fmt: skip


class Site:
    """What is still free to be built on around a place, metre by metre.

    Args:
        bounds: of the site.
        blocked: water and steep ground (rows, cols) of any resolution, north up.
    """

    def __init__(self, bounds: Bounds, blocked: NDArray[np.bool_]) -> None:
        self._corner_m = np.array([bounds.xmin, bounds.ymax])
        size = math.ceil(bounds.width_m), math.ceil(bounds.height_m)
        taken = cv2.resize(blocked.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        self._taken = np.asarray(taken)
        self._blocked = self._taken > 0

    def take_line(self, line_m: Points, width_m: float) -> None:
        """Build a street."""
        pixels = [self._pixels(line_m)]
        cv2.polylines(self._taken, pixels, False, 1, max(1, round(width_m)))

    def blocked_share(self, line_m: Points) -> float:
        """Share of a line's points that lie in water, on steep ground or off the site."""
        pixels = self._pixels(line_m)
        inside = ((pixels >= 0) & (pixels < self._blocked.shape[::-1])).all(axis=1)
        blocked = self._blocked[tuple(pixels[inside].T[::-1])].sum() + (~inside).sum()
        return float(blocked) / len(line_m)

    def is_free(self, line_m: Points, clear_m: float) -> bool:
        """Whether a street would keep clear of all others, but where it begins."""
        far = np.hypot(*(line_m - line_m[0]).T) > clear_m + 6
        pixels = self._pixels(line_m[far])
        inside = ((pixels >= 0) & (pixels < self._taken.shape[::-1])).all(axis=1)
        reach = cv2.dilate(self._taken, np.ones((2 * int(clear_m) + 1,) * 2, np.uint8))
        return bool(inside.all() and not reach[pixels[:, 1], pixels[:, 0]].any())

    def take(self, box: Box, margin_m: float = 0.0) -> bool:
        """Build on a box if all of it is free; the margin is kept free to others, and may be negative."""
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
) -> Iterator[tuple[Building, Lot]]:
    """Houses along one side (1 left, -1 right) of a street, wherever the site is free."""
    mileage_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(street_m, axis=0).T))])
    at_m = float(generator.uniform(*style.gap_m))
    while True:
        house, setback_m, garden_m = _draw(style, generator)
        turned = generator.random() < style.turned
        along_m, depth_m = (house.box.width_m, house.box.length_m) if turned else house.box[3:]
        gap_m = float(generator.uniform(*style.gap_m))
        middle_m, at_m = at_m + 0.5 * along_m, at_m + along_m + gap_m
        if at_m - gap_m > mileage_m[-1]:
            return
        index = min(int(np.searchsorted(mileage_m, middle_m, "right")) - 1, len(street_m) - 2)
        step = street_m[index + 1] - street_m[index]
        angle = float(np.arctan2(step[1], step[0]))
        foot = street_m[index] + (middle_m - mileage_m[index]) * _unit(angle)
        outward = side * _unit(angle + 0.5 * np.pi)
        middle = foot + (0.5 * street_width_m + setback_m + 0.5 * depth_m) * outward
        turn = 0.5 * np.pi * turned
        box = house.box._replace(x_m=middle[0], y_m=middle[1], angle_rad=angle + turn)
        if not site.take(box, min(0.3 * style.gap_m[0], 2.0) or -1.0):
            continue
        lot_depth_m = setback_m + depth_m + garden_m
        lot = foot + (0.5 * street_width_m + 0.5 * lot_depth_m) * outward
        lot_box = Box(lot[0], lot[1], angle, along_m + gap_m, lot_depth_m)
        yield house._replace(box=box), Lot(lot_box, style.lot)


def lone_building(
    site: Site,
    x_m: float,
    y_m: float,
    angle_rad: float,
    style: Style,
    generator: np.random.Generator,
) -> Iterator[tuple[Building, Lot]]:
    """One building that stands free, if the site is."""
    house, setback_m, _ = _draw(style, generator)
    box = house.box._replace(x_m=x_m, y_m=y_m, angle_rad=angle_rad)
    if site.take(box, 2.0):
        wide = box._replace(
            length_m=box.length_m + 2 * setback_m, width_m=box.width_m + 2 * setback_m
        )
        yield house._replace(box=box), Lot(wide, style.lot)


def _draw(style: Style, generator: np.random.Generator) -> tuple[Building, float, float]:
    """A house of a style at the origin, its setback and the depth of its garden."""
    length_m, width_m, eaves_m, pitch, setback_m, garden_m = (
        float(generator.uniform(*limits))
        for limits in (
            style.length_m, style.width_m, style.eaves_m, style.pitch, style.setback_m, style.garden_m
        )
    )  # fmt: skip
    colour = np.array(style.colours[int(generator.integers(len(style.colours)))])
    tint = generator.normal(1.0, 0.07) * generator.normal(1.0, 0.015, 3)
    if len(style.colours) == 1:  # houses alike
        tint = 1.0 + 0.2 * (tint - 1.0)
    r, g, b = (int(c) for c in np.clip(colour * tint, 0, 255))
    box = Box(0.0, 0.0, 0.0, max(length_m, width_m), width_m)
    return (
        Building(box, eaves_m, 0.5 * width_m * pitch, style.roof, (r, g, b)),
        setback_m,
        garden_m,
    )


def _unit(angle_rad: float) -> Points:
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])
