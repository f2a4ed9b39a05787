"""Survey: every flight over the land has its own film, exposure and balance of colours."""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.noise import stream, uniform

EXPOSURE, WARMTH, TINT = 0.07, 0.05, 0.03  # largest relative changes of sRGB


def survey_gain(seed: int, date: str) -> NDArray[np.float64]:
    """Factors (3,) of sRGB of all photos of a date."""
    exposure, warmth, tint = 2 * uniform(stream(seed, f"survey {date}"), np.arange(3)) - 1
    colour = WARMTH * warmth * np.array([1, 0, -1]) + TINT * tint * np.array([-0.5, 1, -0.5])
    return np.asarray((1 + EXPOSURE * exposure) * (1 + colour))
