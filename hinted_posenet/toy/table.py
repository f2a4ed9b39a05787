"""The study as two small tables."""

import torch
from torch import Tensor

from hinted_posenet.report.table import text_table
from hinted_posenet.toy.problem import branches
from hinted_posenet.toy.study import SIGMAS, Study

SHOWN_SIGMAS = (0.01, 0.03, 0.1, 0.3, torch.inf)
SHOWN_PASSES = (0, 1, 3, 20)


def study_table(study: Study) -> str:
    """Errors of every method under every hint, then of cascades after some passes: means over the seeds."""
    seeds = next(iter(study.by_sigma.values())).shape[0]
    columns = [SIGMAS.index(sigma) for sigma in SHOWN_SIGMAS]
    by_sigma = [["", *(f"sigma {_sigma(sigma)}" for sigma in SHOWN_SIGMAS)]]
    for method, answers in study.by_sigma.items():
        errors = (answers - study.test.t).abs()
        by_sigma.append([method, *(_pair(errors[:, column]) for column in columns)])
    truths = branches(study.test.y)
    by_pass = [["", *("first hint" if n == 0 else f"pass {n}" for n in SHOWN_PASSES), "off branch"]]
    for plan, answers in study.by_pass.items():
        errors = (answers - study.test.t).abs()
        off_branch = (answers[:, -1].unsqueeze(2) - truths).abs().amin(dim=2)
        title = f"{plan.method}, from sigma {_sigma(plan.start_sigma)}, fed back at {plan.sigma}"
        cells = [_pair(errors[:, number]) for number in SHOWN_PASSES]
        by_pass.append([title, *cells, f"{_median(off_branch):.3f}"])
    return (
        f"Median / mean absolute error of t in the fold ({len(study.test.t)} held-out samples, "
        f"mean over {seeds} seed{'s' * (seeds > 1)}), by sigma of the hint:\n\n"
        f"{text_table(by_sigma)}\n\n"
        "The same when answers are fed back as hints; off branch: median distance of the last pass\n"
        f"from the nearest of the three answers:\n\n{text_table(by_pass)}"
    )


def _pair(errors: Tensor) -> str:
    """Errors (seeds, N)."""
    return f"{_median(errors):.3f} / {errors.mean():.3f}"


def _median(errors: Tensor) -> float:
    return float(errors.quantile(0.5, dim=1).mean())


def _sigma(sigma: float) -> str:
    return "none" if sigma == torch.inf else f"{sigma:g}"
