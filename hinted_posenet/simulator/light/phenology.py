"""Phenology: the colours of covers, crops and crowns through the year, as sRGB keyframes.

Keyframes are (day of the year, first colour, second colour); patches, parcels and trees lie between the two
colours. Days are those of the lowlands at 48 degrees north; between keyframes colours are
interpolated, and the last leads to the first of the next year. Dates of growth stages follow
central European calendars; colours are what orthophotos of such days show.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

YEAR_DAYS = 365.25
Triple = tuple[int, int, int]
Keyframe = tuple[float, Triple, Triple]
Pair = NDArray[np.float32]  # (2, 3) sRGB of full scale 255


class Crown(NamedTuple):
    """Autumn of one kind of deciduous tree: its green, its colour before the fall, their days."""

    green: tuple[Triple, Triple]
    autumn: tuple[Triple, Triple]
    turns_day: float
    bare_day: float


COVERS: dict[str, tuple[Keyframe, ...]] = {
    "grass": (
        (25, (124, 118, 82), (108, 106, 72)),
        (85, (120, 124, 76), (104, 112, 64)),
        (118, (104, 134, 62), (92, 124, 56)),
        (160, (106, 130, 62), (118, 132, 72)),
        (200, (116, 122, 66), (140, 134, 86)),
        (240, (126, 124, 72), (146, 136, 90)),
        (293, (112, 122, 66), (126, 126, 78)),
        (335, (118, 116, 76), (108, 108, 70)),
    ),
    "forest": (
        (60, (110, 94, 72), (94, 82, 64)),
        (110, (100, 88, 60), (86, 90, 56)),
        (140, (62, 72, 40), (70, 80, 44)),
        (260, (62, 68, 40), (72, 74, 44)),
        (300, (118, 88, 52), (100, 80, 48)),
        (340, (114, 90, 64), (96, 80, 60)),
    ),
    "water": (
        (25, (44, 54, 60), (52, 62, 68)),
        (118, (54, 74, 72), (60, 82, 76)),
        (200, (44, 68, 64), (54, 78, 68)),
        (293, (48, 64, 66), (54, 70, 70)),
    ),
    "river": (
        (25, (58, 66, 66), (66, 74, 72)),
        (90, (84, 88, 74), (92, 94, 78)),
        (200, (60, 78, 70), (70, 86, 74)),
        (293, (58, 70, 68), (66, 78, 72)),
    ),
    "shore": (
        (25, (124, 114, 92), (106, 98, 78)),
        (118, (142, 134, 102), (110, 120, 74)),
        (200, (164, 152, 118), (122, 128, 82)),
        (293, (140, 128, 96), (120, 114, 76)),
    ),
    "road": (
        (25, (98, 98, 100), (110, 109, 110)),
        (189, (136, 134, 131), (120, 119, 118)),
    ),
    "track": (
        (25, (134, 122, 102), (116, 106, 90)),
        (118, (172, 156, 124), (146, 136, 102)),
        (200, (190, 176, 144), (162, 150, 116)),
        (293, (158, 138, 106), (136, 120, 88)),
    ),
    "yard": (
        (25, (118, 112, 84), (106, 100, 78)),
        (118, (100, 132, 66), (136, 136, 98)),
        (200, (98, 122, 62), (140, 134, 96)),
        (293, (108, 118, 64), (138, 124, 84)),
    ),
    "paved": (
        (25, (128, 126, 124), (112, 111, 112)),
        (189, (160, 157, 152), (138, 136, 134)),
    ),
    "rock": (
        (25, (126, 122, 116), (104, 101, 98)),
        (189, (146, 142, 134), (118, 114, 108)),
    ),
    "conifer": (
        (25, (36, 52, 40), (50, 66, 48)),
        (118, (40, 64, 42), (56, 80, 50)),
        (150, (46, 72, 44), (64, 90, 54)),
        (210, (34, 58, 38), (50, 72, 46)),
        (293, (36, 58, 40), (52, 72, 46)),
    ),
}

# the year of a crop: sown, green, closed, ripe, cut (two keyframes a few days apart), tilled
CROPS_YEAR: dict[str, tuple[Keyframe, ...]] = {
    "wheat": (  # winter wheat
        (25, (98, 106, 68), (108, 104, 76)),
        (85, (94, 122, 64), (112, 122, 74)),
        (125, (74, 114, 54), (88, 128, 60)),
        (155, (92, 122, 66), (112, 134, 78)),
        (180, (164, 156, 92), (184, 168, 106)),
        (197, (204, 178, 120), (192, 164, 106)),
        (212, (198, 172, 116), (188, 160, 104)),
        (216, (214, 194, 142), (202, 180, 128)),
        (245, (186, 164, 118), (168, 148, 104)),
        (255, (124, 98, 72), (142, 114, 86)),
        (290, (112, 88, 64), (128, 102, 76)),
        (315, (106, 104, 66), (116, 108, 74)),
    ),
    "maize": (
        (25, (136, 118, 88), (112, 94, 72)),
        (100, (134, 108, 80), (152, 126, 96)),
        (135, (144, 118, 88), (162, 138, 106)),
        (160, (120, 124, 76), (140, 134, 90)),
        (185, (70, 104, 54), (84, 116, 60)),
        (235, (74, 104, 54), (92, 116, 62)),
        (262, (128, 128, 72), (148, 138, 84)),
        (280, (176, 152, 100), (158, 134, 86)),
        (285, (170, 150, 108), (148, 126, 88)),
        (320, (140, 120, 88), (118, 98, 72)),
    ),
    "rapeseed": (
        (25, (90, 100, 66), (82, 94, 62)),
        (85, (82, 112, 58), (92, 120, 62)),
        (108, (104, 134, 60), (126, 146, 62)),
        (116, (204, 192, 66), (190, 182, 74)),
        (133, (202, 190, 70), (188, 180, 78)),
        (144, (122, 142, 76), (134, 150, 84)),
        (180, (132, 136, 82), (148, 146, 90)),
        (198, (156, 138, 92), (166, 146, 100)),
        (203, (184, 166, 124), (172, 152, 112)),
        (232, (126, 102, 76), (142, 118, 90)),
        (270, (92, 122, 60), (110, 132, 68)),
        (320, (88, 112, 60), (98, 116, 64)),
    ),
    "meadow": (  # three cuts, each pale for a week or two
        (25, (122, 124, 78), (110, 112, 72)),
        (90, (112, 130, 70), (104, 122, 64)),
        (130, (96, 134, 58), (112, 142, 66)),
        (142, (108, 136, 66), (124, 142, 76)),
        (145, (168, 168, 108), (156, 158, 98)),
        (162, (112, 138, 68), (128, 146, 78)),
        (194, (116, 134, 68), (134, 142, 82)),
        (197, (170, 164, 108), (158, 154, 98)),
        (216, (116, 132, 68), (136, 142, 84)),
        (250, (110, 128, 64), (128, 136, 76)),
        (253, (158, 158, 98), (146, 148, 90)),
        (272, (104, 128, 60), (118, 134, 68)),
        (330, (116, 126, 72), (110, 118, 68)),
    ),
    "beet": (
        (25, (94, 76, 60), (84, 68, 54)),
        (95, (140, 116, 88), (124, 102, 78)),
        (130, (144, 122, 92), (128, 110, 82)),
        (165, (82, 116, 60), (98, 126, 66)),
        (240, (78, 112, 58), (94, 124, 66)),
        (285, (98, 122, 58), (116, 128, 68)),
        (292, (124, 108, 74), (112, 92, 68)),
        (320, (98, 78, 60), (90, 70, 56)),
    ),
    "soil": (  # bare or harrowed; catch crop in late summer
        (25, (84, 66, 52), (76, 62, 50)),
        (118, (124, 100, 76), (144, 120, 92)),
        (200, (156, 134, 104), (172, 152, 122)),
        (250, (130, 126, 82), (146, 128, 92)),
        (293, (110, 86, 64), (94, 74, 56)),
    ),
}

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


def colours(keyframes: tuple[Keyframe, ...], day: float | NDArray[np.float64]) -> Pair:
    """Both colours (2, 3) on a day of the year, or (n, 2, 3) on days (n,)."""
    days = [frame[0] for frame in keyframes]
    values = np.array([[frame[1], frame[2]] for frame in keyframes], np.float64).reshape(-1, 6)
    pair = [np.interp(day, days, channel, period=YEAR_DAYS) for channel in values.T]
    return np.stack(pair, axis=-1).astype(np.float32).reshape(*np.shape(day), 2, 3)


def crown(kind: Crown, day: float) -> tuple[Pair, float]:
    """Both colours (2, 3) of a deciduous crown, and the share of its leaves that it carries."""
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
    """The day of the table that a day somewhere corresponds to.

    Spring is later and autumn earlier towards the pole, by 2.5 days a degree (Hopkins' law says 4 for
    spring in America; Europe is milder); the southern hemisphere is half a year away. Meant for
    the temperate latitudes of 30 to 65 degrees.
    """
    if latitude_deg < 0:
        day_of_year = (day_of_year + 0.5 * YEAR_DAYS) % YEAR_DAYS
    late = float(np.clip(2.5 * (abs(latitude_deg) - 48.0), -30.0, 30.0))
    real = [15.0, 115.0 + late, 200.0, 285.0 - 0.7 * late, 350.0]
    return float(np.interp(day_of_year, real, [15.0, 115.0, 200.0, 285.0, 350.0], period=YEAR_DAYS))
