"""The package's heads in one dimension: y in place of the image's feature, t in place of the pose."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from toy_problem import SPREAD, Hint, draw_hint, draw_samples

HIDDEN = 64
FREQUENCIES = math.pi * 2.0 ** torch.arange(5)
Y_SIZE = 1 + 2 * len(FREQUENCIES)
HINT_SIZE = Y_SIZE + 1
BOUND = 6.0  # largest correction of the residual in sigmas


class Plain(nn.Module):
    """PoseNet: y -> t."""

    def __init__(self) -> None:
        super().__init__()
        self.regress = _layers(Y_SIZE)

    def forward(self, y: Tensor, hint: Hint) -> Tensor:
        """(N,) -> (N,); the hint is ignored."""
        answer: Tensor = self.regress(_code_y(y))
        return answer


class HintedEmbedding(nn.Module):
    """The hint is embedded, fused with y, and t is regressed from both."""

    def __init__(self) -> None:
        super().__init__()
        self.regress = _layers(Y_SIZE + HINT_SIZE)

    def forward(self, y: Tensor, hint: Hint) -> Tensor:
        """(N,) -> (N,)."""
        answer: Tensor = self.regress(torch.cat([_code_y(y), _code_hint(hint)], dim=1))
        return answer


class HintedResidual(nn.Module):
    """The hint plus a correction in units of its sigma: a learned gain times how far off a proposal is."""

    def __init__(self) -> None:
        super().__init__()
        self.propose = _layers(Y_SIZE + HINT_SIZE)
        self.gain = _layers(Y_SIZE + HINT_SIZE + 1)

    def forward(self, y: Tensor, hint: Hint) -> Tensor:
        """(N,) -> (N,)."""
        unit = hint.sigma.clamp_max(1.0)
        code = torch.cat([_code_y(y), _code_hint(hint)], dim=1)
        innovation = ((self.propose(code) - hint.t) / unit).asinh()
        gain = self.gain(torch.cat([code, innovation.unsqueeze(1)], dim=1))
        return hint.t + unit * BOUND * torch.tanh(gain * innovation / BOUND)


def _layers(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.SiLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.SiLU(),
        nn.Linear(HIDDEN, 1),
        nn.Flatten(0),  # (N, 1) -> (N,)
    )


def _code_y(y: Tensor) -> Tensor:
    return _waves(y, torch.zeros_like(y))


def _code_hint(hint: Hint) -> Tensor:
    """Where the hint is, as far as it knows, and how well it knows."""
    certainty = torch.log1p(SPREAD / hint.sigma).unsqueeze(1)
    return torch.cat([_waves(hint.t, hint.sigma), certainty], dim=1)


def _waves(x: Tensor, sigma: Tensor) -> Tensor:
    """Return expected sin/cos features (N, Y_SIZE) of x (N,) with sigma (N,), as models/encoding.py does."""
    phase = x.unsqueeze(1) * FREQUENCIES
    damping = torch.exp(-0.5 * (sigma.unsqueeze(1) * FREQUENCIES).square())
    place = (x / (1 + (sigma / SPREAD).square())).unsqueeze(1)
    return torch.cat([place, damping * phase.sin(), damping * phase.cos()], dim=1)


BATCH = 256
LEARNING_RATE = 0.03
SIGMA_MIN, SIGMA_MAX = 0.005, 1.0  # up to the whole range of t


def train(network: Callable[[], nn.Module], p_none: float, seed: int, steps: int) -> nn.Module:
    """Train a network; the seed determines everything that is random.

    Args:
        network: builds it, untrained.
        p_none: probability of no hint; sigma is log-uniform otherwise.
        seed: of first weights, samples and hints.
        steps: of the optimizer, each on new samples.
    """
    generator = Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = network()
    optimizer = torch.optim.Adam(learner.parameters(), lr=LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        y, t = draw_samples(BATCH, generator)
        draw = torch.rand(2, BATCH, generator=generator)
        sigma = SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** draw[0]
        sigma = sigma.masked_fill(draw[1] < p_none, torch.inf)
        error = learner(y, draw_hint(t, sigma, generator)) - t
        # Weighed by what goes in, so that the best answer is the same; unweighed, only vague hints would count.
        loss = (error.square() / sigma.clamp_max(SPREAD)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return learner.requires_grad_(False)
