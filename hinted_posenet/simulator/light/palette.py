"""Palette: the colour tables of one season, looked up by cover, by crop and parcel, and by tree."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.light.phenology import (
    COVERS,
    CROPS_YEAR,
    CROWNS,
    Pair,
    colours,
    crown,
)
from hinted_posenet.simulator.world.generated.land import CROPS, Cover

PHASES = 16  # parcels of a crop are sown, mown and reaped on different days
PHASE_DAYS = 14.0  # from the first parcel to the last
TREES = 256
TREE_DAYS = 16.0  # from the first tree of a kind to the last
LIKE = {"deciduous": "forest", "field": "grass", "roof": "paved"}  # never looked up as ground


class Palette(NamedTuple):
    """sRGB of full scale 255; in pairs (2, 3) the second is told as its difference to the first."""

    ground: NDArray[np.float32]  # (covers + crops * PHASES, 2, 3)
    deciduous: NDArray[np.float32]  # (TREES, 3)
    leaves: NDArray[np.float32]  # (TREES,) share that a tree carries
    conifer: NDArray[np.float32]  # (TREES, 3)


def palette(day: float) -> Palette:
    """Colours on a day of the phenology table."""
    names = [cover.name.lower() for cover in Cover]
    pairs = [colours(COVERS[LIKE.get(name, name)], day) for name in names]
    shifts = PHASE_DAYS * ((np.arange(PHASES) + 0.5) / PHASES - 0.5)
    pairs += [colours(CROPS_YEAR[crop], day + shift) for crop in CROPS for shift in shifts]
    ground = np.stack(pairs)
    ground[:, 1] -= ground[:, 0]
    trees = [_tree(number, day) for number in range(TREES)]
    tone = np.linspace(0, 1, TREES, dtype=np.float32)[:, None]
    needle = colours(COVERS["conifer"], day)
    return Palette(
        ground=ground,
        deciduous=np.stack([tree for tree, _ in trees]),
        leaves=np.array([leaves for _, leaves in trees], np.float32),
        conifer=needle[0] + tone * (needle[1] - needle[0]),
    )


def _tree(number: int, day: float) -> tuple[Pair, float]:
    """Colour (3,) and leaves of the tree of a tone; kind, day and shade are spread over the tones."""
    shift = TREE_DAYS * ((number * 37 % TREES) / TREES - 0.5)
    kind = CROWNS[number * len(CROWNS) // TREES]
    pair, leaves = crown(kind, day + shift)
    shade = np.float32((number * 101 % TREES) / TREES)
    return np.asarray(pair[0] + shade * (pair[1] - pair[0])), leaves


def ground_code(
    ground: NDArray[np.uint8], crop: NDArray[np.uint8], parcel_tone: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Row of `Palette.ground` (rows, cols) of every pixel."""
    # another order of the parcels than that of their tone
    phase = np.floor(np.abs(parcel_tone) * np.float32(7.0 * PHASES)).astype(np.intp) % PHASES
    field = len(Cover) + crop.astype(np.intp) * PHASES + phase
    return np.where(ground == Cover.FIELD, field, ground)
