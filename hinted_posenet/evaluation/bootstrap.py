"""Bootstrap intervals of medians and of ratios of medians, over seeds and frames."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.evaluation.frames_file import Floats

RESAMPLES = 1000
# (N,) which sequence each frame is of; None: frames are independent
Sequences = Sequence[str] | None


class Difference(NamedTuple):
    """How a method differs from a reference: the ratio of their medians and its 95 % interval."""

    ratio: float
    low: float
    high: float
    p: float  # two-sided, that the medians are the same; not below 1 / RESAMPLES

    @property
    def text(self) -> str:
        """0.80 [0.75, 0.86]."""
        return f"{self.ratio:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap_interval(errors: Floats, sequences: Sequences = None) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the seed mean of medians of (seeds, N) errors.

    All seeds share the frames, so a resample takes the same frames of each seed. Errors within a sequence are
    correlated, so if there are several sequences, these are drawn first, and then frames of them.
    """
    generator = np.random.default_rng(0)
    return _interval(_medians(errors, _frames(errors, sequences, generator), generator))


def difference(errors: Floats, reference: Floats, sequences: Sequences = None) -> Difference:
    """Test the medians of two methods (seeds, N) against each other, paired by frame but not by seed."""
    generator = np.random.default_rng(0)
    frames = _frames(errors, sequences, generator)
    ours, theirs = (_medians(each, frames, generator) for each in (errors, reference))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = median(errors) / median(reference)
        low, high = _interval(ours / theirs)
        p = 2 * min(float(np.mean(ours <= theirs)), float(np.mean(ours >= theirs)))
    return Difference(float(ratio), low, high, min(max(p, 1 / RESAMPLES), 1.0))


def median(errors: Floats) -> float:
    """Return the seed mean of the medians of (seeds, N) errors."""
    return float(np.median(errors, axis=1).mean())


def _frames(
    errors: Floats, sequences: Sequences, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw indices of frames with replacement: (resamples, N)."""
    count = errors.shape[1]
    if sequences is None or len(set(sequences)) == 1:
        return generator.integers(count, size=(RESAMPLES, count))
    _, number = np.unique(np.array(sequences), return_inverse=True)
    members = [np.flatnonzero(number == index) for index in range(number.max() + 1)]
    draws = np.empty((RESAMPLES, count), dtype=np.int64)
    for draw in draws:
        drawn = generator.integers(len(members), size=len(members))
        pool = np.concatenate([members[index] for index in drawn])
        draw[:] = pool[generator.integers(len(pool), size=count)]
    return draws


def _medians(
    errors: Floats, frames: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the mean over resampled seeds of the medians over resampled frames: (resamples,)."""
    medians = np.stack([np.median(of_seed[frames], axis=1) for of_seed in errors])
    seeds = generator.integers(len(errors), size=medians.shape)
    return np.asarray(np.take_along_axis(medians, seeds, axis=0).mean(axis=0))


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    # without interpolation, which would give NaN between infinities
    low, high = np.quantile(draws, [0.025, 0.975], method="nearest")
    return float(low), float(high)
