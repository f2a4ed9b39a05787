"""The toy problem: t is asked, y = t + 0.3 sin(2 pi t) is measured, and some y have three answers t.

The multi-valued inverse of Bishop (Mixture density networks, 1994). It stands for relocalization: t is the pose, y
the image, and places that look alike are several t of one y.
"""

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

NOISE = 0.01  # standard deviation of y
SPREAD = math.sqrt(1 / 12)  # standard deviation of t, which is uniform in [0, 1]
TURN = math.acos(-1 / (0.6 * math.pi)) / (2 * math.pi)  # dy/dt is 0 here and at 1 - TURN


class Samples(NamedTuple):
    """What was measured, and the truth."""

    y: Tensor  # (N,)
    t: Tensor  # (N,)


class Hint(NamedTuple):
    """A prior of t and its standard deviation; inf = no hint."""

    t: Tensor  # (N,)
    sigma: Tensor  # (N,)


def curve(t: Tensor) -> Tensor:
    """Y without noise, of t of any shape."""
    return t + 0.3 * torch.sin(2 * math.pi * t)


def fold() -> tuple[float, float]:
    """Return the two y between which there are three answers."""
    low, high = curve(torch.tensor([1 - TURN, TURN])).tolist()
    return low, high


def draw_samples(rows: int, generator: Generator) -> Samples:
    """T uniform in [0, 1], y with its noise."""
    t = torch.rand(rows, generator=generator)
    return Samples(curve(t) + NOISE * torch.randn(rows, generator=generator), t)


def draw_folded(rows: int, generator: Generator) -> Samples:
    """Those of so many samples that lie in the fold, about 7 in 10."""
    samples = draw_samples(rows, generator)
    low, high = fold()
    is_folded = (samples.y > low) & (samples.y < high)
    return Samples(samples.y[is_folded], samples.t[is_folded])


def draw_hint(t: Tensor, sigma: Tensor, generator: Generator) -> Hint:
    """Truth t (N,) with noise of these sigmas (N,)."""
    noise = torch.randn(len(t), generator=generator)
    # without a hint 0.5, the mean of all t: it must not tell the truth
    return Hint(torch.where(sigma.isinf(), 0.5, t + sigma * noise), sigma)


def no_hint(rows: int) -> Hint:
    """No hint for so many rows."""
    return constant_hint(0.5, torch.inf, rows)


def constant_hint(t: float, sigma: float, rows: int) -> Hint:
    """Return the same hint for every row."""
    return Hint(torch.full((rows,), t), torch.full((rows,), sigma))


def branches(y: Tensor) -> Tensor:
    """Return the three answers (N, 3), ascending, of y (N,) in the fold, by bisection."""
    rising = torch.tensor([1.0, -1.0, 1.0])
    low = torch.tensor([0.0, TURN, 1 - TURN]).expand(len(y), 3)
    high = torch.tensor([TURN, 1 - TURN, 1.0]).expand(len(y), 3)
    for _ in range(25):  # to float32
        middle = (low + high) / 2
        is_below = (y.unsqueeze(1) - curve(middle)) * rising > 0
        low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
    return (low + high) / 2


def posterior_mean(y: Tensor, hint: Hint) -> Tensor:
    """E[t | y, hint] (N,), the ideal: no other answer to y (N,) and hint (N,) has a smaller mean squared error.

    Fed back with a constant sigma it is mean shift (Cheng, 1995) on p(t | y), which climbs to one of
    its modes.
    """
    t = torch.linspace(0, 1, 1001)  # a step is at most 0.3 of the noise of y
    of_y = ((y.unsqueeze(1) - curve(t)) / NOISE).square()
    of_hint = ((hint.t.unsqueeze(1) - t) / hint.sigma.unsqueeze(1)).square()
    return torch.softmax(-0.5 * (of_y + of_hint), dim=1) @ t
