"""Villages, farms and the roads between them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.sparse.csgraph import minimum_spanning_tree

from hinted_posenet.simulator.world.land import Cover, Land, fractal_noise

ROOFS = np.array(  # sRGB: tiles, old tiles, slate, concrete, metal, flat white
    [[164, 84, 62], [142, 72, 54], [121, 96, 82], [82, 82, 88], [112, 108, 106], [150, 152, 156],
     [96, 112, 128], [206, 202, 196], [128, 58, 48]],
    np.float32,
)  # fmt: skip
HOUSE = ((9.0, 15.0), (7.0, 11.0), (4.0, 7.0))  # ranges of length, width and eaves height in metres
HALL = ((24.0, 55.0), (14.0, 26.0), (5.0, 9.0))

Points = NDArray[np.float64]  # (n, 2) columns and rows in pixels


def settle(land: Land, villages: int, farms: int, generator: np.random.Generator) -> None:
    """Roads, streets, houses with their yards, and farms, onto dry land."""
    rows, cols = land.ground.shape
    water_m = distance_transform_edt(land.ground != Cover.WATER) * land.resolution_m
    centres = _spread(villages, water_m, 90.0, generator)
    farmsteads = _spread(farms, water_m, 50.0, generator)
    exits = np.array(
        [[0.0, generator.uniform(0.2, 0.8) * rows], [cols, generator.uniform(0.2, 0.8) * rows]]
    )
    nodes = np.concatenate([centres, exits])
    distance = np.linalg.norm(nodes[:, None] - nodes[None], axis=-1)
    tree = minimum_spanning_tree(distance).toarray() > 0
    for i, j in np.argwhere(tree):
        _pave(land, _driest(land, nodes[i], nodes[j], generator), Cover.ROAD, 7.0)
    for farm in farmsteads:
        goal = nodes[np.argmin(np.linalg.norm(nodes - farm, axis=1))]
        _pave(land, _driest(land, farm, goal, generator), Cover.TRACK, 3.5)
        _farm(land, farm, generator)
    for centre in centres:
        _village(land, centre, generator)


def _spread(
    count: int, water_m: NDArray[np.float64], clear_m: float, generator: np.random.Generator
) -> Points:
    """Dry places (n, 2) far from each other: each the best of several draws."""
    rows, cols = water_m.shape
    chosen: list[Points] = []
    for _ in range(count):
        draws = generator.uniform(0.1, 0.9, (60, 2)) * [cols, rows]
        dry = np.array([p for p in draws if water_m[int(p[1]), int(p[0])] > clear_m])
        if len(dry) == 0:
            continue
        gaps = [min((float(np.linalg.norm(p - q)) for q in chosen), default=0.0) for p in dry]
        chosen.append(dry[int(np.argmax(gaps))])
    return np.array(chosen).reshape(-1, 2)


def _wind(start: Points, end: Points, bend: float, generator: np.random.Generator) -> Points:
    """A winding line (n, 2) between two places."""
    share = np.linspace(0, 1, 60)[:, None]
    normal = np.array([start[1] - end[1], end[0] - start[0]])
    sway = sum(
        generator.normal(0, bend / waves) * np.sin(np.pi * waves * share) for waves in (1, 2, 3, 5)
    )
    return np.asarray(start + share * (end - start) + sway * normal)


def _driest(land: Land, start: Points, end: Points, generator: np.random.Generator) -> Points:
    """Of a dozen more and more winding lines, the one that crosses the least water."""
    lines = [_wind(start, end, bend, generator) for bend in np.linspace(0.05, 0.3, 12)]
    last = np.array(land.ground.shape[::-1]) - 1
    wet = []
    for line in lines:
        col, row = np.clip(line, 0, last).astype(np.intp).T
        wet.append(np.count_nonzero(land.ground[row, col] == Cover.WATER))
    return lines[int(np.argmin(wet))]


def _pave(land: Land, line: Points, cover: Cover, width_m: float) -> None:
    """Draw a line onto the ground; it bridges water."""
    thickness = max(1, round(width_m / land.resolution_m))
    pixels = [line.round().astype(np.int32)]
    verge = np.zeros(land.ground.shape, np.uint8)
    cv2.polylines(verge, pixels, False, 1, thickness + 2 * max(1, round(2.5 / land.resolution_m)))
    land.ground[(verge > 0) & np.isin(land.ground, (Cover.FIELD, Cover.FOREST))] = Cover.GRASS
    cv2.polylines(land.ground, pixels, False, int(cover), thickness)


def _village(land: Land, centre: Points, generator: np.random.Generator) -> None:
    """Streets through a centre with houses on both sides, and a few halls at the ends."""
    res = land.resolution_m
    turn, arms = generator.uniform(0, np.pi), int(generator.integers(3, 6))
    streets: list[Points] = []
    for arm in range(arms):
        angle = turn + 2 * np.pi * (arm + generator.uniform(-0.2, 0.2)) / arms
        length = generator.uniform(110, 210) / res
        end = centre + length * np.array([np.cos(angle), np.sin(angle)])
        streets.append(_wind(centre, end, 0.05, generator))
        middle = streets[-1][generator.integers(25, 45)]
        side = angle + generator.choice([-1, 1]) * generator.uniform(1.2, 1.9)
        end = middle + generator.uniform(60, 130) / res * np.array([np.cos(side), np.sin(side)])
        streets.append(_wind(middle, end, 0.04, generator))
    for street in streets:
        _pave(land, street, Cover.ROAD, 5.5)
    for street in streets:
        _houses_along(land, street, generator)
    for _ in range(int(generator.integers(1, 4))):
        place = centre + generator.uniform(120, 200) / res * _unit(generator.uniform(0, 2 * np.pi))
        _build(land, place, generator.uniform(0, np.pi), HALL, generator)


def _houses_along(land: Land, street: Points, generator: np.random.Generator) -> None:
    res = land.resolution_m
    step_px = np.linalg.norm(np.diff(street, axis=0), axis=1)
    mileage_m = np.concatenate([[0.0], np.cumsum(step_px)]) * res
    for side in (-1, 1):
        at_m = generator.uniform(8, 20)
        while at_m < mileage_m[-1]:
            index = min(int(np.searchsorted(mileage_m, at_m)), len(street) - 2)
            along = street[index + 1] - street[index]
            angle = float(np.arctan2(along[1], along[0]))
            setback = generator.uniform(12, 19) / res * side
            place = street[index] + setback * _unit(angle + np.pi / 2)
            quarter_turn = generator.choice([0.0, np.pi / 2])
            _build(land, place, angle + quarter_turn + generator.normal(0, 0.05), HOUSE, generator)
            at_m += generator.uniform(18, 32)


def _farm(land: Land, place: Points, generator: np.random.Generator) -> None:
    angle = generator.uniform(0, np.pi)
    _build(land, place, angle, HOUSE, generator)
    for side in generator.permutation(3)[: generator.integers(1, 4)]:
        offset = generator.uniform(28, 38) / land.resolution_m * _unit(angle + side * np.pi / 2)
        _build(land, place + offset, angle + side * np.pi / 2, HALL, generator)


def _build(
    land: Land,
    place: Points,
    angle: float,
    size: tuple[tuple[float, float], ...],
    generator: np.random.Generator,
) -> None:
    """One gabled building and its yard, unless something stands there already."""
    res = land.resolution_m
    length_m, width_m, eaves_m = (generator.uniform(*limits) for limits in size)
    rise_m, colour = generator.uniform(0.15, 0.4) * width_m, ROOFS[generator.integers(len(ROOFS))]
    garden_m, tint = (
        generator.uniform(6, 11),
        generator.normal(1.0, 0.1) * generator.normal(1.0, 0.02, 3),
    )
    window, dc, dr = land.window(place[0], place[1], (length_m / 2 + garden_m) * 1.5 / res)
    ground = land.ground[window]
    u = np.abs(dc * np.cos(angle) + dr * np.sin(angle)) * res
    v = np.abs(dr * np.cos(angle) - dc * np.sin(angle)) * res
    roof = (u < length_m / 2) & (v < width_m / 2)
    if not roof.any() or np.isin(ground[roof], (Cover.WATER, Cover.ROAD, Cover.ROOF)).any():
        return
    yard = (u < length_m / 2 + garden_m) & (v < width_m / 2 + garden_m)
    ground[yard & ~np.isin(ground, (Cover.WATER, Cover.ROAD, Cover.ROOF))] = Cover.YARD
    ground[roof] = Cover.ROOF
    base_m = land.surface_m[window][roof].mean()
    ridge_m = rise_m * (1 - v / (width_m / 2))
    land.surface_m[window][roof] = (base_m + eaves_m + ridge_m)[roof]
    tiles = 1 + 0.05 * fractal_noise(roof.shape, 3.0, generator, octaves=1)[..., None]
    land.roof_rgb[window][roof] = np.clip(colour * tint * tiles, 0, 255).astype(np.uint8)[roof]


def _unit(angle: float) -> Points:
    return np.array([np.cos(angle), np.sin(angle)])
