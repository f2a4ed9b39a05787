"""Buildings: boxes with roofs, the lots around them, and the styles that houses are drawn from."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.generated.segments import Points

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
        u = (0.5 * self.length_m + margin_m) * unit(self.angle_rad)
        v = (0.5 * self.width_m + margin_m) * unit(self.angle_rad + 0.5 * np.pi)
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


def draw_house(style: Style, generator: np.random.Generator) -> tuple[Building, float, float]:
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
    house = Building(box, eaves_m, 0.5 * width_m * pitch, style.roof, (r, g, b))
    return house, setback_m, garden_m


def unit(angle_rad: float) -> Points:
    """Vector (2,) east and north, of length 1, counterclockwise from east."""
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])
