"""Survey: every flight over the land has its own exposure, balance of colours and haze."""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.noise import stream, uniform

EXPOSURE, WARMTH, TINT = 0.07, 0.05, 0.03  # largest relative changes of sRGB
HAZE = (0.04, 0.26)  # share of the light that the air below the aeroplane adds, in sRGB
AIR_RGB = np.array([102, 114, 108])


def survey(seed: int, date: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What all photos of a date have in common: factor (3,) and then offset (3,) of sRGB."""
    exposure, warmth, tint, air = uniform(stream(seed, f"survey {date}"), np.arange(4))
    haze = HAZE[0] + (HAZE[1] - HAZE[0]) * air
    colour = WARMTH * (2 * warmth - 1) * np.array([1, 0, -1])
    colour += TINT * (2 * tint - 1) * np.array([-0.5, 1, -0.5])
    gain = (1 + EXPOSURE * (2 * exposure - 1)) * (1 + colour)
    return gain * (1 - haze), (gain * haze * AIR_RGB).astype(np.float32)
