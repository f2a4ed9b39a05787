"""Buildings: boxes with roofs on their lots, the styles that houses are drawn from, and their rasterization."""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world import Bounds, Cover, PixelGrid, Raster, Rgb, Window
from hinted_posenet.simulator.world.generated.roads import Points

Range = tuple[float, float]


class Roof(IntEnum):
    """Shape of a roof."""

    FLAT = 0
    GABLE = 1
    HIP = 2


class Box(NamedTuple):
    """A rectangle on the ground whose length runs along an angle, counterclockwise from east."""

    x_m: float
    y_m: float
    angle_rad: float
    length_m: float
    width_m: float

    def corners(self, margin_m: float = 0.0) -> Points:
        """Return the corners (4, 2), in order."""
        u = (0.5 * self.length_m + margin_m) * unit(self.angle_rad)
        v = (0.5 * self.width_m + margin_m) * unit(self.angle_rad + 0.5 * np.pi)
        middle = np.array([self.x_m, self.y_m])
        return np.asarray(middle + np.array([u + v, u - v, -u - v, v - u]))


class Building(NamedTuple):
    """A box with walls and a roof; the ridge of a gable runs along the length."""

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
    """How houses of one kind look and stand; each house draws from the ranges."""

    length_m: Range
    width_m: Range
    eaves_m: Range
    pitch: Range  # rise over half the width
    gap_m: Range  # between neighbours
    setback_m: Range  # from the edge of the street
    garden_m: Range  # behind the house
    roof: Roof
    lot: Cover
    turned: float  # share of houses whose gable faces the street
    colours: tuple[tuple[int, int, int], ...]

    def alike(self, generator: np.random.Generator) -> "Style":
        """Return a style of identical houses: every range is one number."""
        names = ("length_m", "width_m", "eaves_m", "pitch", "gap_m", "setback_m")
        drawn: dict[str, Any] = {
            name: (float(generator.uniform(*getattr(self, name))),) * 2 for name in names
        }
        turned = round(generator.random())
        colour = self.colours[int(generator.integers(len(self.colours)))]
        return self._replace(**drawn, turned=turned, colours=(colour,))


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
    """Draw a house of a style at the origin, its setback and the depth of its garden."""
    length_m, width_m, eaves_m, pitch, setback_m, garden_m = (
        float(generator.uniform(*limits))
        for limits in (
            style.length_m, style.width_m, style.eaves_m, style.pitch, style.setback_m, style.garden_m
        )
    )  # fmt: skip
    colour = np.array(style.colours[int(generator.integers(len(style.colours)))])
    tint = generator.normal(1.0, 0.07) * generator.normal(1.0, 0.015, 3)
    if len(style.colours) == 1:  # identical houses
        tint = 1.0 + 0.2 * (tint - 1.0)
    r, g, b = (int(c) for c in np.clip(colour * tint, 0, 255))
    box = Box(0.0, 0.0, 0.0, max(length_m, width_m), width_m)
    house = Building(box, eaves_m, 0.5 * width_m * pitch, style.roof, (r, g, b))
    return house, setback_m, garden_m


def unit(angle_rad: float) -> Points:
    """Return the unit vector (2,) east and north of an angle, counterclockwise from east."""
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])


OPEN_GROUND = (Cover.FIELD, Cover.GRASS, Cover.FOREST, Cover.TRACK)  # that lots may take


def draw_lots(
    ground: NDArray[np.uint8], lots: list[Lot], pixel_grid: PixelGrid, window: Window
) -> None:
    """Set the cover (rows, cols) of lots where the ground is open."""
    open_ground = np.isin(ground, OPEN_GROUND)
    for lot in lots:
        if found := _pixels(lot.box, pixel_grid, window):
            area, u, v = found
            inside = (u < 0.5 * lot.box.length_m) & (v < 0.5 * lot.box.width_m) & open_ground[area]
            ground[area][inside] = lot.cover


def draw_buildings(
    ground: NDArray[np.uint8],
    surface_m: Raster,
    roof_rgb: Rgb,
    buildings: list[tuple[Building, float]],
    pixel_grid: PixelGrid,
    window: Window,
) -> None:
    """Draw buildings, each on its base height in metres, into the layers (rows, cols)."""
    for building, base_m in buildings:
        if found := _pixels(building.box, pixel_grid, window):
            area, u, v = found
            half_length, half_width = 0.5 * building.box.length_m, 0.5 * building.box.width_m
            across = 1 - v / half_width
            shape = {Roof.FLAT: np.zeros_like(u), Roof.GABLE: across}
            hip = np.minimum(across, (half_length - u) / half_width)
            # 0 at the eaves, 1 at the ridge
            top_m = base_m + building.eaves_m + building.rise_m * shape.get(building.roof, hip)
            here = (u < half_length) & (v < half_width) & (top_m > surface_m[area])
            surface_m[area][here] = top_m[here]
            ground[area][here] = Cover.ROOF
            roof_rgb[area][here] = building.rgb


def _pixels(
    box: Box, pixel_grid: PixelGrid, window: Window
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the pixels around a box, and their distances from its axes along its length and width."""
    reach_m = 0.5 * float(np.hypot(box.length_m, box.width_m))
    area = pixel_grid.window_of(Bounds.around(box.x_m, box.y_m, reach_m)).overlap(window)
    if not (area.rows and area.cols):
        return None
    x_m, y_m = pixel_grid.axes(area)
    east, north = x_m - box.x_m, y_m - box.y_m
    c, s = np.cos(box.angle_rad), np.sin(box.angle_rad)
    u = np.abs(east[None, :] * c + north[:, None] * s)
    v = np.abs(north[:, None] * c - east[None, :] * s)
    return area.within(window), u, v
