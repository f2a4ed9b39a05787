"""Phenology: the colours of covers, crops and crowns through the year, as sRGB keyframes.

The keyframes in keyframes.csv are (day of the year, first colour, second colour); patches, parcels and
trees lie between the two colours. Days are those of the lowlands at 48 degrees north. Colours are
interpolated between keyframes, and from the last one to the first one of the next year. Dates of growth
stages follow central European calendars; colours are those of orthophotos of such days.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

YEAR_DAYS = 365.25
Triple = tuple[int, int, int]
Keyframes = NDArray[np.float64]  # (n, 7): day, and two sRGB colours
Pair = NDArray[np.float32]  # (2, 3) sRGB of full scale 255


class Crown(NamedTuple):
    """Autumn of one kind of deciduous tree: its green, its colour before the leaves fall, and the days."""

    green: tuple[Triple, Triple]
    autumn: tuple[Triple, Triple]
    turns_day: float
    bare_day: float


def _read_keyframes() -> tuple[dict[str, Keyframes], dict[str, Keyframes]]:
    """Read the keyframes of covers and of crops, by name."""
    rows: dict[str, dict[str, list[list[float]]]] = {"cover": {}, "crop": {}}
    lines = Path(__file__).with_name("keyframes.csv").read_text().splitlines()
    _, *table = csv.reader(line for line in lines if not line.startswith("#"))
    for kind, name, *numbers in table:
        rows[kind].setdefault(name, []).append([float(number) for number in numbers])
    covers, crops = ({n: np.array(v) for n, v in found.items()} for found in rows.values())
    return covers, crops


COVERS, CROPS_YEAR = _read_keyframes()
BARE_TWIGS: tuple[Triple, Triple] = ((108, 95, 82), (88, 77, 67))
FRESH_LEAVES: tuple[Triple, Triple] = ((126, 154, 66), (146, 164, 84))
LEAF_OUT_DAYS = (100.0, 128.0)
CROWNS: tuple[Crown, ...] = (  # beech, oak, birch, maple, ash
    Crown(((58, 90, 40), (74, 102, 46)), ((170, 104, 48), (142, 82, 40)), 282, 318),
    Crown(((64, 88, 42), (80, 98, 50)), ((140, 108, 52), (118, 84, 46)), 292, 328),
    Crown(((82, 108, 52), (94, 118, 60)), ((204, 172, 60), (186, 152, 58)), 272, 304),
    Crown(((66, 98, 44), (80, 108, 50)), ((206, 134, 44), (176, 80, 44)), 276, 306),
    Crown(((74, 104, 50), (88, 114, 56)), ((154, 152, 66), (136, 134, 62)), 278, 298),
)


def colours(keyframes: Keyframes, day: float | NDArray[np.float64]) -> Pair:
    """Return both colours (2, 3) on a day of the year, or (n, 2, 3) on days (n,)."""
    days, *channels = keyframes.T
    pair = [np.interp(day, days, channel, period=YEAR_DAYS) for channel in channels]
    return np.stack(pair, axis=-1).astype(np.float32).reshape(*np.shape(day), 2, 3)


def crown(kind: Crown, day: float) -> tuple[Pair, float]:
    """Return both colours (2, 3) of a deciduous crown, and the share of its leaves that it carries."""
    start, full = LEAF_OUT_DAYS
    out = float(np.interp(day, [start, full], [0, 1]))
    down = float(np.interp(day, [kind.turns_day + 8, kind.bare_day], [0, 1]))
    fresh = float(np.interp(day, [full, full + 35], [1, 0]))
    turned = float(np.interp(day, [kind.turns_day - 12, kind.turns_day + 10], [0, 1]))
    green, young = np.array(kind.green, np.float32), np.array(FRESH_LEAVES, np.float32)
    leaves = green + fresh * (young - green)
    leaves = leaves + turned * (np.array(kind.autumn, np.float32) - leaves)
    share = out * (1 - down)
    twigs = np.array(BARE_TWIGS, np.float32)
    return np.asarray(twigs + share * (leaves - twigs), np.float32), share


def growth_day(day_of_year: float, latitude_deg: float) -> float:
    """Return the day of the keyframes that corresponds to a day at a latitude.

    Spring is later and autumn earlier towards the pole, by 2.5 days a degree (Hopkins' law states 4 for
    spring in America; Europe is milder); the southern hemisphere is half a year away. Meant for
    the temperate latitudes of 30 to 65 degrees.
    """
    if latitude_deg < 0:
        day_of_year = (day_of_year + 0.5 * YEAR_DAYS) % YEAR_DAYS
    late = float(np.clip(2.5 * (abs(latitude_deg) - 48.0), -30.0, 30.0))
    real = [15.0, 115.0 + late, 200.0, 285.0 - 0.7 * late, 350.0]
    return float(np.interp(day_of_year, real, [15.0, 115.0, 200.0, 285.0, 350.0], period=YEAR_DAYS))
