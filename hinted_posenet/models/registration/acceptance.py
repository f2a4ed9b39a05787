"""Whether an image shows the map: a rule on what registration measured of the fit."""

import torch
from torch import Tensor

MEASURES = 4  # see `GroundRegistration`: fit of the search, its margin, misfit of windows, share that is seen
# weights of the measures and a constant: an image fits the map where the sum is above 0
DEFAULT_RULE = (0.0, 0.0, -1.0, 0.0, -0.2)
MOST_MARGIN = 5.0  # standard deviations; where all places are near, there is no margin
FEWEST = 8  # right and wrong answers that a rule is fitted to
WRONG_SHARE = 0.01  # of wrong answers that may be taken for right ones
LEAST_SPREAD = 1e-3


def fits_map(evidence: Tensor, rule: Tensor) -> Tensor:
    """Tell (B,) which images fit the map, by what was measured (B, MEASURES) and a rule (MEASURES + 1,)."""
    fits: Tensor = _score(evidence, rule[:-1].to(evidence)) + rule[-1].to(evidence) > 0
    return fits


def fit_rule(evidence: Tensor, right: Tensor, otherwise: Tensor | None = None) -> Tensor:
    """Fit a rule (MEASURES + 1,) to answers (N, MEASURES), of which some are right (N,).

    Measures are weighted as by Fisher's discriminant with independent measures; the threshold lets pass at most
    one in a hundred of the wrong answers. With few of either, the rule is ``otherwise``, or else the default.
    """
    evidence = evidence.double()
    good, bad = evidence[right], evidence[~right]
    if min(len(good), len(bad)) < FEWEST:
        return torch.tensor(DEFAULT_RULE) if otherwise is None else otherwise.clone()
    good, bad = (_bounded(part) for part in (good, bad))
    variance = (good.var(dim=0) + bad.var(dim=0)).clamp_min(LEAST_SPREAD**2)
    weights = (good.mean(dim=0) - bad.mean(dim=0)) / variance
    weights = weights / weights.norm().clamp_min(1e-12)
    least = (bad @ weights).quantile(1 - WRONG_SHARE)
    halfway = (good.mean(dim=0) + bad.mean(dim=0)) @ weights / 2
    return torch.cat([weights, -least.maximum(halfway).unsqueeze(0)]).float()


def _score(evidence: Tensor, weights: Tensor) -> Tensor:
    return _bounded(evidence) @ weights


def _bounded(evidence: Tensor) -> Tensor:
    """Return measures (N, MEASURES) that are finite."""
    fit, margin, misfit, share = evidence.unbind(dim=1)
    margin = margin.clamp(-MOST_MARGIN, MOST_MARGIN)
    return torch.stack([fit, margin, misfit, share], dim=1).nan_to_num()
