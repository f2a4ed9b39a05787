"""The comparison: four networks and two references, on held-out samples in the fold."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from toy_networks import HintedEmbedding, HintedResidual, Plain, train
from toy_problem import Hint, Samples, draw_folded, draw_hint, no_hint, posterior_mean
from tqdm import tqdm

Answer = Callable[[Tensor, Hint], Tensor]  # y (N,), hint (N,) -> t (N,)

HINT, BAYES = "the hint as the answer", "ideal (Bayes)"
PLAIN, NULL = "plain regression", "null hint"
EMBEDDING, RESIDUAL = "hinted embedding", "hinted residual"
# each, and how often it trains without a hint
NETWORKS: dict[str, tuple[Callable[[], nn.Module], float]] = {
    PLAIN: (Plain, 1.0),
    NULL: (HintedEmbedding, 1.0),
    EMBEDDING: (HintedEmbedding, 0.3),
    RESIDUAL: (HintedResidual, 0.3),
}
SIGMAS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, torch.inf)
# seeds of training are not negative; the settings were chosen on other draws
TEST_SEED = -1_000_000
PASSES = 20
START_SIGMA = 0.1  # of the hint that a cascade starts from
SHARP, VAGUE = 0.03, 0.1  # sigmas of answers fed back: below and near half a gap in the fold


class Cascade(NamedTuple):
    """Which answers were fed back, and from where."""

    method: str
    start_sigma: float
    sigma: float


CASCADES = (
    Cascade(RESIDUAL, START_SIGMA, SHARP),
    Cascade(EMBEDDING, START_SIGMA, SHARP),
    Cascade(BAYES, START_SIGMA, SHARP),
    Cascade(RESIDUAL, START_SIGMA, VAGUE),
    Cascade(RESIDUAL, torch.inf, SHARP),
)


class Study(NamedTuple):
    """What was measured, and the networks of the first seed."""

    test: Samples  # (N,) in the fold
    by_sigma: dict[str, Tensor]  # (seeds, SIGMAS, N) answers
    by_pass: dict[Cascade, Tensor]  # (seeds, 1 + PASSES, N) first hint and answers
    networks: dict[str, nn.Module]


def study(seeds: list[int], steps: int) -> Study:
    """Train every network with every seed and ask them all the same questions."""
    test = draw_folded(3000, Generator().manual_seed(TEST_SEED))
    jobs = tqdm(
        [(seed, method) for seed in seeds for method in NETWORKS], "train", delay=1, leave=False
    )
    networks = {
        (seed, method): train(*NETWORKS[method], seed=seed, steps=steps) for seed, method in jobs
    }
    by_sigma: dict[str, list[Tensor]] = {}
    by_pass: dict[Cascade, list[Tensor]] = {}
    for seed in seeds:
        answers: dict[str, Answer] = {HINT: lambda _, hint: hint.t, BAYES: posterior_mean}
        answers |= {method: networks[seed, method] for method in NETWORKS}
        answers[NULL] = _without_hint(answers[NULL])
        hints = {
            sigma: draw_hint(
                test.t, torch.full_like(test.t, sigma), Generator().manual_seed(-2 - seed)
            )
            for sigma in SIGMAS
        }
        for method, answer in answers.items():
            given = torch.stack([answer(test.y, hint) for hint in hints.values()])
            by_sigma.setdefault(method, []).append(given)
        for plan in CASCADES:
            start = hints[plan.start_sigma]
            refinement_steps = cascade(answers[plan.method], test.y, start, plan.sigma, PASSES)
            by_pass.setdefault(plan, []).append(refinement_steps)
    return Study(
        test,
        {method: torch.stack(given) for method, given in by_sigma.items()},
        {plan: torch.stack(given) for plan, given in by_pass.items()},
        {method: networks[seeds[0], method] for method in NETWORKS},
    )


def cascade(answer: Answer, y: Tensor, hint: Hint, sigma: float, refinement_steps: int) -> Tensor:
    """First hint and answers (1 + passes, N) to y (N,); each answer is the next hint, stated with sigma."""
    answers = [hint.t]
    for _ in range(refinement_steps):
        answers.append(answer(y, hint))
        hint = Hint(answers[-1], torch.full_like(y, sigma))
    return torch.stack(answers)


def _without_hint(answer: Answer) -> Answer:
    return lambda y, _: answer(y, no_hint(len(y)))
