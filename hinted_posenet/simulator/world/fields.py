"""Fields: districts with a direction each, cut into parcels with a crop each, and tracks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.land import CROPS, Cover, Land, Mask, fractal_noise

CROP_SHARES = (0.26, 0.2, 0.13, 0.2, 0.11, 0.1)  # of the parcels, in the order of CROPS
TRAMLINE_M = 7.0  # distance of the wheel tracks in a field


def plant_fields(land: Land, district_m: float, generator: np.random.Generator) -> Mask:
    """Cover free grass with fields; returns where districts meet, which is where hedges stand."""
    rows, cols = land.ground.shape
    res = land.resolution_m
    district = _districts((rows, cols), district_m / res, generator)
    free = land.ground == Cover.GRASS
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32) * np.float32(res)
    bend = fractal_noise((rows, cols), 300 / res, generator, octaves=2) * np.float32(5.0)
    balk = np.zeros((rows, cols), bool)  # the grass strip between two parcels
    for number in range(int(district.max()) + 1):
        here = district == number
        if not here.any():
            continue
        angle = generator.uniform(0, np.pi)
        u = x[here] * np.cos(angle) + y[here] * np.sin(angle) + bend[here]
        v = -x[here] * np.sin(angle) + y[here] * np.cos(angle) + bend[here]
        block, parcel, edge_m = _parcels(u, v, generator)
        crops = generator.choice(len(CROPS), size=parcel.max() + 1, p=CROP_SHARES)
        tones = generator.uniform(-1, 1, size=parcel.max() + 1).astype(np.float32)
        land.crop[here] = crops[parcel]
        land.parcel_tone[here] = tones[parcel]
        along = np.where(block % 2 == 0, u, v)
        land.furrow[here] = np.sin(2 * np.pi * along / TRAMLINE_M)
        balk[here] = edge_m < 1.2
    land.ground[free] = Cover.FIELD
    land.ground[free & balk] = Cover.GRASS
    border = _borders(district)
    land.ground[free & _grown(border, 6.0 / res)] = Cover.GRASS
    land.ground[free & _grown(border, 2.5 / res)] = Cover.TRACK
    return np.asarray(border & free)


def _districts(
    shape: tuple[int, int], spacing_px: float, generator: np.random.Generator
) -> NDArray[np.int16]:
    """Number of the nearest of scattered sites, with wavy borders."""
    rows, cols = shape
    row, col = np.mgrid[0:rows, 0:cols].astype(np.float32)
    row += fractal_noise(shape, spacing_px * 0.6, generator, octaves=3) * np.float32(
        spacing_px * 0.07
    )
    col += fractal_noise(shape, spacing_px * 0.6, generator, octaves=3) * np.float32(
        spacing_px * 0.07
    )
    nearest = np.full(shape, np.inf, np.float32)
    district = np.zeros(shape, np.int16)
    number = 0
    for top in np.arange(-spacing_px, rows + spacing_px, spacing_px):
        for left in np.arange(-spacing_px, cols + spacing_px, spacing_px):
            r, c = np.array([top, left]) + generator.uniform(0, spacing_px, 2)
            distance = (row - np.float32(r)) ** 2 + (col - np.float32(c)) ** 2
            closer = distance < nearest
            nearest[closer], district[closer] = distance[closer], number
            number += 1
    return district


def _parcels(
    u: NDArray[np.float32], v: NDArray[np.float32], generator: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Blocks along u, parcels along v in a block: block, parcel, metres to the parcel's edge."""
    blocks = u.min() + np.cumsum(generator.uniform(110, 260, size=60))
    block = np.searchsorted(blocks, u)
    edge_m = np.abs(u[:, None] - blocks[None, :20]).min(axis=1) if len(u) else u
    parcel = np.zeros(u.shape, np.intp)
    for number in range(int(block.max()) + 1):
        here = block == number
        widths = generator.uniform(30, 60) * generator.choice([1, 1.5, 2, 3], size=120)
        cuts = v.min() + np.cumsum(widths)
        index = np.searchsorted(cuts, v[here])
        parcel[here] = 200 * number + index
        across = np.minimum(
            np.abs(v[here] - cuts[np.minimum(index, 119)]),
            np.abs(v[here] - cuts[np.maximum(index - 1, 0)]),
        )
        edge_m[here] = np.minimum(edge_m[here], across)
    return block, parcel, edge_m.astype(np.float32)


def _borders(district: NDArray[np.int16]) -> Mask:
    border = np.zeros(district.shape, bool)
    border[:, 1:] |= district[:, 1:] != district[:, :-1]
    border[1:] |= district[1:] != district[:-1]
    return border


def _grown(mask: Mask, diameter_px: float) -> Mask:
    size = max(1, round(diameter_px))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(mask.astype(np.uint8), disk) > 0
