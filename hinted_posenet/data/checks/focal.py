"""The focal length that makes the stated poses agree best with matched points, and the stated one against it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hinted_posenet.data.checks.checked_scene import Scene
from hinted_posenet.data.checks.convention import essential, sampson_px
from hinted_posenet.data.checks.matched import Match

Floats = npt.NDArray[np.float64]

SEARCHED = (0.4, 2.5)  # of the stated focal length
SEARCHED_UNKNOWN = (0.3, 3.0)  # of the long side of the image: 118 to 19 degrees
STEP, FINE_STEP, FINE_REACH = 0.05, 0.005, 0.12  # relative
USED = 200  # matches of a pair
SOFT = (
    0.003  # of the long side, 2 px of 640: larger errors count less and less, whatever causes them
)
FEWEST_PAIRS = 8
RESAMPLED = 500
DETERMINED = 1.15  # the interval's ends differ by less than this factor
DOUBTFUL = 0.06  # relative; poses that are a little off, as in 7-Scenes, move it by up to 0.04
GAIN = 1.3  # of the typical error, from the best focal length to a wrong one


class Focal(NamedTuple):
    """The focal length that fits, as a factor of the stated one, and its 95 % interval."""

    factor: float
    low: float
    high: float
    pairs: int
    error_px: float  # typical distance of matches from their epipolar lines, with it
    stated_error_px: float  # and with the stated focal length

    @property
    def contradicts(self) -> bool:
        """Whether the stated focal length cannot be right."""
        is_other = abs(math.log(self.factor)) > DOUBTFUL and not self.low <= 1 <= self.high
        return bool(is_other and self.stated_error_px > GAIN * self.error_px)


def search_focal(scene: Scene, matches: Sequence[Match]) -> Focal | None:
    """Search the focal length, by a factor for all images; None where matches and poses do not determine it.

    Each pair's loss is the mean of log(1 + (error / SOFT)^2) over its matches, in which gross errors, such as
    those of wrong poses, weigh little. The interval resamples groups of pairs, because pairs of a group share
    frames.
    """
    if len(matches) < FEWEST_PAIRS:
        return None
    low, high = _searched(scene)
    coarse = np.exp(np.arange(math.log(low), math.log(high) + STEP, STEP))
    E = [_essential(scene, match) for match in matches]
    loss = np.mean([_errors(*pair, coarse)[0] for pair in zip(matches, E, strict=True)], axis=0)
    best = coarse[loss.argmin()]
    fine = best * np.exp(np.arange(-FINE_REACH, FINE_REACH, FINE_STEP))
    factors = np.sort(np.concatenate([coarse, fine, [1.0]]))
    rows = [_errors(*pair, factors) for pair in zip(matches, E, strict=True)]
    loss, error_px = (np.array(values) for values in zip(*rows, strict=True))  # (P, F) each
    place = int(loss.mean(axis=0).argmin())
    lower, upper = np.quantile(factors[_resampled(loss, matches)], [0.025, 0.975]).tolist()
    if not low < lower <= upper < min(high, DETERMINED * lower):
        return None
    typical_px = np.median(error_px, axis=0)
    at_stated = typical_px[int(np.abs(factors - 1).argmin())]
    return Focal(float(factors[place]), lower, upper, len(matches), typical_px[place], at_stated)


def _searched(scene: Scene) -> tuple[float, float]:
    """Return the factors of the stated focal length between which to search."""
    if scene.has_intrinsics:
        return SEARCHED
    view = scene.views[0]
    size = view.size or scene.images[view.image].size or (1, 1)
    long_side = max(size) / float(view.K[0, 0])
    return SEARCHED_UNKNOWN[0] * long_side, SEARCHED_UNKNOWN[1] * long_side


def _essential(scene: Scene, match: Match) -> Floats:
    return essential(*(scene.views[i].T_world_cam for i in (match.a, match.b)))


def _errors(match: Match, E: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """Return the loss (F,) and the median error in pixels (F,) of a pair for factors (F,) of its focal lengths."""
    chosen = slice(None, None, max(1, len(match.x_a) // USED))
    F = fundamentals(match, E, factors)
    error_px = sampson_px(F, match.x_a[chosen], match.x_b[chosen])
    soft = np.log1p((error_px / (SOFT * match.long_side_px)) ** 2).mean(axis=1)
    return soft, np.median(error_px, axis=1)


def fundamentals(match: Match, E: Floats, factors: Floats) -> Floats:
    """Return F (F, 3, 3) of a pair with its stated focal lengths times factors (F,)."""
    Ks = [zoomed(match, factor) for factor in factors]
    inverse_a, inverse_b = (np.linalg.inv(np.stack(K)) for K in zip(*Ks, strict=True))
    return np.asarray(np.swapaxes(inverse_b, -1, -2) @ E @ inverse_a)


def zoomed(match: Match, factor: float) -> tuple[Floats, Floats]:
    """Return both K (3, 3) of a pair with their focal lengths times a factor; the principal point stays."""
    zoom = np.array([[factor, factor, 1], [1, factor, 1], [1, 1, 1]])
    return match.K_a * zoom, match.K_b * zoom


def _resampled(loss: Floats, matches: Sequence[Match]) -> npt.NDArray[np.int64]:
    """Return which factor is best in each of many samples of the groups, with replacement."""
    _, group = np.unique([match.group for match in matches], return_inverse=True)
    of_group = np.stack([loss[group == g].sum(axis=0) for g in range(group.max() + 1)])
    rng = np.random.default_rng(0)
    times = rng.multinomial(len(of_group), np.full(len(of_group), 1 / len(of_group)), RESAMPLED)
    return np.asarray((times @ of_group).argmin(axis=1))
