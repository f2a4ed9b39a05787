"""Errors as colours: a logarithmic scale, which colour-blind people can read."""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.report.frames import Floats
from hinted_posenet.show.canvas import round_length

COLOURS = mpl.colormaps["plasma"]  # perceptually uniform; what is bad shines
SHOWN = 0.88  # of the colour map: the end of it is too pale for paper
ENDS = (5, 95)  # percentiles of the errors; what is beyond has the end's colour


class ErrorScale(NamedTuple):
    """From one colour to the other."""

    low_m: float
    high_m: float

    @classmethod
    def of(cls, errors_m: Floats) -> "ErrorScale":
        """The scale of errors (N,), of which at least one is finite."""
        low_m, high_m = np.percentile(errors_m[np.isfinite(errors_m)], ENDS)
        low_m = max(low_m, 1e-3 * high_m, 1e-9)
        return cls(float(low_m), float(max(high_m, 1.1 * low_m)))

    def position(self, errors_m: Floats) -> Floats:
        """Where errors (...,) are on the scale, within [0, 1]."""
        share = np.log(np.maximum(errors_m, 1e-12) / self.low_m) / np.log(self.high_m / self.low_m)
        return np.asarray(np.clip(share, 0.0, 1.0))

    def colours(self, errors_m: Floats) -> NDArray[np.uint8]:
        """Colours (N, 3) of errors (N,)."""
        return ramp(self.position(errors_m))

    def ticks(self) -> list[tuple[float, str]]:
        """Positions on the scale and what to write there: round numbers."""
        numbers = [1, 2, 5] if self.high_m > 8 * self.low_m else [1, 1.5, 2, 3, 4, 5, 7]
        powers = 10.0 ** np.arange(np.floor(np.log10(self.low_m)), np.log10(self.high_m) + 1)
        steps = np.outer(powers, numbers).ravel()
        inside = steps[(steps >= self.low_m) & (steps <= self.high_m)]
        return [(float(self.position(step)), round_length(step)) for step in inside]


def ramp(position: Floats) -> NDArray[np.uint8]:
    """Colours (..., 3) of positions within [0, 1]."""
    return np.asarray(np.round(255 * COLOURS(SHOWN * position)[..., :3]), np.uint8)
