"""Bootstrap 95 % intervals of medians and of their ratios, from errors of several seeds on the same frames."""

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.report.frames import Floats

RESAMPLES = 1000


def bootstrap_interval(errors: Floats) -> tuple[float, float]:
    """Of the seed mean of medians of (seeds, N) errors, seeds and frames resampled.

    Every seed saw the same frames, so a resample takes the same frames of each.
    """
    generator = np.random.default_rng(0)
    return _interval(_medians(errors, _frames(errors, generator), generator))


def ratio_interval(over: Floats, under: Floats) -> tuple[float, float]:
    """Of the ratio of such medians of (seeds, N) errors of the same frames."""
    generator = np.random.default_rng(0)
    frames = _frames(over, generator)
    drawn, control = (_medians(errors, frames, generator) for errors in (over, under))
    return _interval(drawn / control)


def _frames(errors: Floats, generator: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of frames, drawn with replacement: (resamples, N)."""
    count = errors.shape[1]
    return generator.integers(count, size=(RESAMPLES, count))


def _medians(
    errors: Floats, frames: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Mean over seeds, drawn with replacement, of medians over drawn frames: (resamples,)."""
    medians = np.stack([np.median(of_seed[frames], axis=1) for of_seed in errors])
    seeds = generator.integers(len(errors), size=medians.shape)
    mean: NDArray[np.float64] = np.take_along_axis(medians, seeds, axis=0).mean(axis=0)
    return mean


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
