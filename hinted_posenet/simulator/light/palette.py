"""The colour tables of one season, looked up by cover, by parcel and by tree."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.light import phenology
from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world import Cover, Raster
from hinted_posenet.simulator.world.noise import stream, uniform

PARCELS = 2048  # kinds of parcels: each has its own crop, days and soil on a date
MEADOW_SHARE = 0.2  # share of the parcels that is never ploughed
ARABLE_SHARES = {"wheat": 0.32, "maize": 0.25, "rapeseed": 0.17, "beet": 0.14, "soil": 0.12}
CROPS = ("meadow", *ARABLE_SHARES)
CROP_STEP = (0.35, 0.65)  # step in the crop rotation from year to year; every parcel has its own
PHASE_DAYS = 18.0  # between the first and the last parcel of a crop to be sown, mown and reaped
MOISTURE = 0.1  # largest relative change of a parcel's colour from date to date
FURROW = 0.06  # relative contrast of the strongest wheel tracks, which few parcels of a date have
TREES = 256
TREE_DAYS = 16.0  # between the first and the last tree of a kind
LIKE = {"deciduous": "forest", "field": "grass", "roof": "paved"}  # never looked up as ground
# factors and offsets of a* and b*: the air makes the colours of phenology greyer and cooler
CHROMA, COOL = np.array([0.88, 0.68], np.float32), np.array([-1.5, -2.0], np.float32)


class Palette(NamedTuple):
    """sRGB of full scale 255; in pairs (2, 3) the second is stored as its difference to the first."""

    ground: NDArray[np.float32]  # (covers + PARCELS, 2, 3)
    furrow: NDArray[np.float32]  # (covers + PARCELS,) relative contrast of wheel tracks
    deciduous: NDArray[np.float32]  # (TREES, 3)
    leaves: NDArray[np.float32]  # (TREES,) share that a tree carries
    conifer: NDArray[np.float32]  # (TREES, 3)


def palette(season: Season, latitude_deg: float, seed: int) -> Palette:
    """Make the palette of a season; parcels change with the year's crops and the date's weather."""
    day = phenology.growth_day(season.day_of_year, latitude_deg)
    names = [cover.name.lower() for cover in Cover]
    covers = np.stack(
        [phenology.colours(phenology.COVERS[LIKE.get(name, name)], day) for name in names]
    )
    ground = _seen(np.concatenate([covers, _parcels(season, day, seed)]))
    ground[:, 1] -= ground[:, 0]
    tracks = FURROW * uniform(stream(seed, f"tracks {season.date}"), np.arange(PARCELS)) ** 2
    trees, leaves = [], []
    for number in range(TREES):  # kind, day and shade vary over the tones
        shift = TREE_DAYS * ((number * 37 % TREES) / TREES - 0.5)
        kind = phenology.CROWNS[number * len(phenology.CROWNS) // TREES]
        (first, second), share = phenology.crown(kind, day + shift)
        trees.append(first + np.float32((number * 101 % TREES) / TREES) * (second - first))
        leaves.append(share)
    tone = np.linspace(0, 1, TREES, dtype=np.float32)[:, None]
    needle = phenology.colours(phenology.COVERS["conifer"], day)
    grown = uniform(stream(seed, f"vigour {season.date}"), np.arange(TREES)[:, None])
    vigour = (1 + season.vigour * (2 * grown - 1)).astype(np.float32)
    return Palette(
        ground=ground,
        furrow=np.concatenate([np.zeros(len(Cover)), tracks]).astype(np.float32),
        deciduous=_seen(vigour * np.stack(trees)),
        leaves=np.array(leaves, np.float32),
        conifer=_seen(vigour * (needle[0] + tone * (needle[1] - needle[0]))),
    )


def _parcels(season: Season, day: float, seed: int) -> NDArray[np.float32]:
    """Return the colours (PARCELS, 2, 3) of all kinds of parcels."""
    number = np.arange(PARCELS)
    crop = crops((number + 0.5) / PARCELS, season.year)
    late = PHASE_DAYS * (uniform(stream(seed, f"sown {season.year}"), number) - 0.5)
    wet = 2 * uniform(stream(seed, f"moist {season.date}"), number) - 1
    pairs = np.empty((PARCELS, 2, 3), np.float32)
    for index, name in enumerate(CROPS):
        here = crop == index
        pairs[here] = phenology.colours(phenology.CROPS_YEAR[name], day - late[here])
    return pairs * (1 - MOISTURE * wet).astype(np.float32)[:, None, None]


def crops(draw: NDArray[np.float64], year: int) -> NDArray[np.intp]:
    """Return the crops of parcels in a year as indices in `CROPS`, by their draws in [0, 1).

    The shares are the same in every year.
    """
    step = CROP_STEP[0] + (CROP_STEP[1] - CROP_STEP[0]) * (draw * 97 % 1)
    place = ((draw - MEADOW_SHARE) / (1 - MEADOW_SHARE) + year * step) % 1
    shares = np.cumsum(list(ARABLE_SHARES.values()))
    arable = 1 + np.minimum(np.searchsorted(shares, place, "right"), len(shares) - 1)
    return np.where(draw < MEADOW_SHARE, 0, arable)


def _seen(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return colours (..., 3) as they look from far above."""
    lab = cv2.cvtColor(rgb.reshape(-1, 1, 3) / np.float32(255), cv2.COLOR_RGB2LAB)
    lab[..., 1:] = lab[..., 1:] * CHROMA + COOL
    return np.asarray(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32).reshape(rgb.shape)


def ground_code(ground: NDArray[np.uint8], parcel_draw: Raster) -> NDArray[np.intp]:
    """Return the row of `Palette.ground` (rows, cols) of every pixel."""
    parcel = len(Cover) + (parcel_draw * np.float32(PARCELS)).astype(np.intp)
    return np.where(ground == Cover.FIELD, parcel, ground)
