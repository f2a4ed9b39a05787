"""Lots and buildings, drawn into layers of a window; every pixel is the same in every window."""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.buildings import Box, Building, Lot, Roof
from hinted_posenet.simulator.world.generated.land import Cover
from hinted_posenet.simulator.world.lattice import Bounds, Lattice, Window
from hinted_posenet.simulator.world.world import Raster, Rgb

OPEN_GROUND = (Cover.FIELD, Cover.GRASS, Cover.FOREST, Cover.TRACK)  # what lots may take


def draw_lots(ground: NDArray[np.uint8], lots: list[Lot], lattice: Lattice, window: Window) -> None:
    """Set the cover (rows, cols) of lots, where the ground is open."""
    open_ground = np.isin(ground, OPEN_GROUND)
    for lot in lots:
        if found := _pixels(lot.box, lattice, window):
            area, u, v = found
            inside = (u < 0.5 * lot.box.length_m) & (v < 0.5 * lot.box.width_m) & open_ground[area]
            ground[area][inside] = lot.cover


def draw_buildings(
    ground: NDArray[np.uint8],
    surface_m: Raster,
    roof_rgb: Rgb,
    buildings: list[tuple[Building, float]],
    lattice: Lattice,
    window: Window,
) -> None:
    """Raise buildings, each on its base height in metres, into the layers (rows, cols)."""
    for building, base_m in buildings:
        if found := _pixels(building.box, lattice, window):
            area, u, v = found
            half_length, half_width = 0.5 * building.box.length_m, 0.5 * building.box.width_m
            ridge = _ridge(building.roof, u, v, half_length, half_width)
            top_m = base_m + building.eaves_m + building.rise_m * ridge
            here = (u < half_length) & (v < half_width) & (top_m > surface_m[area])
            surface_m[area][here] = top_m[here]
            ground[area][here] = Cover.ROOF
            roof_rgb[area][here] = building.rgb


def _ridge(
    roof: Roof,
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    half_length: float,
    half_width: float,
) -> NDArray[np.float64]:
    """Height of a roof, 0 at the eaves and 1 at the ridge."""
    if roof == Roof.FLAT:
        return np.zeros_like(u)
    across = 1 - v / half_width
    return across if roof == Roof.GABLE else np.minimum(across, (half_length - u) / half_width)


def _pixels(
    box: Box, lattice: Lattice, window: Window
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]] | None:
    """Pixels around a box, and their distances from its axes along its length and its width."""
    reach_m = 0.5 * float(np.hypot(box.length_m, box.width_m))
    square = Bounds(box.x_m - reach_m, box.y_m - reach_m, box.x_m + reach_m, box.y_m + reach_m)
    area = lattice.window_of(square).overlap(window)
    if not (area.rows and area.cols):
        return None
    x_m, y_m = lattice.axes(area)
    east, north = x_m - box.x_m, y_m - box.y_m
    c, s = np.cos(box.angle_rad), np.sin(box.angle_rad)
    u = np.abs(east[None, :] * c + north[:, None] * s)
    v = np.abs(north[:, None] * c - east[None, :] * s)
    return area.within(window), u, v
