"""Training of a toy network: squared error, with hints drawn around the truth."""

from collections.abc import Callable

import torch
from torch import Generator, nn

from hinted_posenet.toy.problem import SPREAD, draw_hint, draw_samples

BATCH = 256
LEARNING_RATE = 0.03
SIGMA_MIN, SIGMA_MAX = 0.005, 1.0  # up to the whole range of t


def train(network: Callable[[], nn.Module], p_none: float, seed: int, steps: int) -> nn.Module:
    """A trained network; everything random in it comes of the seed.

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
