"""Site: what is still free to be built on around a place, and buildings put where there is room."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.generated.buildings import (
    Box,
    Building,
    Lot,
    Style,
    draw_house,
    unit,
)
from hinted_posenet.simulator.world.generated.segments import Points
from hinted_posenet.simulator.world.lattice import Bounds

STREET_WIDTH_M = 6.0

Street = tuple[Points, float]  # line (n, 2) in metres, width in metres
Plots = list[tuple[Building, Lot]]


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
) -> Plots:
    """Houses along one side (1 left, -1 right) of a street, wherever the site is free."""
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
    """One building that stands free, if the site is."""
    house, setback_m, _ = draw_house(style, generator)
    box = house.box._replace(x_m=x_m, y_m=y_m, angle_rad=angle_rad)
    if not site.take(box, 2.0):
        return []
    wide = box._replace(length_m=box.length_m + 2 * setback_m, width_m=box.width_m + 2 * setback_m)
    return [(house._replace(box=box), Lot(wide, style.lot))]
