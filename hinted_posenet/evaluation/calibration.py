"""Whether stated covariances hold: coverage of claimed regions, NEES, and what rejecting doubtful frames gains."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.chi_square import chi_square_quantile
from hinted_posenet.core.covariance import offset
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.metrics import quantile

# axes of the error vector: position along the world's x, y and z, then rotation about them
POSITION, ROTATION = {"position": (0, 1, 2)}, {"rotation": (3, 4, 5)}
HORIZONTAL_VERTICAL = {"horizontal": (0, 1), "vertical": (2,)}  # where the world's z axis points up
LEVELS = (0.5, 0.9, 0.95)  # claimed probabilities
KEPT = np.linspace(0.05, 1.0, 20)  # shares of the frames that a risk-coverage curve keeps
RISKS = {"median_t": 0.5, "p95_t": 0.95}  # quantiles of the position error


def error_vectors(predicted: Pose, truth: Pose) -> Tensor:
    """Return the motion (N, 6), float64, from predicted to true poses: see `core.covariance.offset`."""
    return offset(*(Pose(pose.t.double(), pose.q.double()) for pose in (predicted, truth)))


def normalised_errors(error: Tensor, covariance: Tensor, axes: Sequence[int]) -> Floats:
    """Return the NEES (N,): ``e^T C^-1 e`` over the degrees of freedom, for some axes of errors and covariances.

    Errors (N, 6) and covariances (N, 6, 6) are as `error_vectors` and `Hint` have them. The mean is 1 where the
    covariances are right. It is inf for a frame without an answer (an error that is not finite) or with a
    covariance that is not positive definite, and NaN where one of the axes has infinite variance: not stated.
    """
    part, rows = list(axes), len(error)
    off = error[:, part]
    block = covariance.double()[:, part][:, :, part]
    answered = error.isfinite().all(dim=1)
    stated = block.diagonal(dim1=1, dim2=2).isfinite().all(dim=1)
    usable = answered & stated
    unit = torch.eye(len(part), dtype=torch.float64).expand(rows, -1, -1)
    root, failed = torch.linalg.cholesky_ex(torch.where(usable[:, None, None], block, unit))
    known = torch.where(usable[:, None], off, 0.0).unsqueeze(-1)
    whitened = torch.linalg.solve_triangular(root, known, upper=False).squeeze(-1)
    nees = whitened.square().mean(dim=1).masked_fill(failed > 0, math.inf)
    nees = nees.masked_fill(~stated, math.nan).masked_fill(~answered, math.inf)
    return np.asarray(nees.numpy())


def coverage(nees: Floats, degrees_of_freedom: int, levels: Sequence[float] | Floats) -> Floats:
    """Return the shares (levels,) of NEES (any shape) within the regions that claim these probabilities.

    They are ellipsoids of a Gaussian; NaN, where nothing is stated, is left out, and something must be left.
    """
    stated = nees[~np.isnan(nees)]
    limits = chi_square_quantile(levels, degrees_of_freedom) / degrees_of_freedom
    return np.array([(stated <= limit).mean() for limit in limits])


def claims_held(nees: Floats) -> float | None:
    """Return the share of positions with NEES (any shape) in regions that claim 95 %; None: none is stated."""
    return None if np.isnan(nees).all() else float(coverage(nees, 3, [0.95])[0])


def risk_coverage(errors: Floats, sigma: Floats) -> Floats:
    """Return median and 95th percentile (2, 20) of errors (N,) of the frames of least sigma (N,), by `KEPT`.

    Frames of equal sigma are kept together, so that a sigma that is the same for all frames rejects none.
    """
    doubt = np.nan_to_num(sigma, nan=np.inf, posinf=np.inf)
    last = np.ceil(KEPT * len(doubt) - 1e-9).astype(int) - 1
    kept = [errors[doubt <= limit] for limit in np.sort(doubt)[last]]
    with np.errstate(invalid="ignore"):
        found = np.array([np.quantile(some, list(RISKS.values())) for some in kept]).T
    return np.asarray(np.nan_to_num(found, nan=np.inf, posinf=np.inf))  # between two infinities


def position_sigma_m(covariance: Tensor) -> Floats:
    """Return the root (N,) of the trace of the position's covariance, of (N, 6, 6): it orders the frames."""
    return covariance.double().diagonal(dim1=1, dim2=2)[:, :3].sum(dim=1).sqrt().numpy()


def calibration_summary(
    predicted: Pose, truth: Pose, covariance: Tensor, parts: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """Return the calibration metrics of results.json for poses (N,) that state covariances (N, 6, 6).

    ``parts`` are name -> axes; one that no frame states has only its count of unstated frames.
    docs/evaluation.md explains the keys.
    """
    error = error_vectors(predicted, truth)
    row: dict[str, float] = {}
    for name, axes in parts.items():
        nees = normalised_errors(error, covariance, axes)
        unstated = np.isnan(nees)
        row[f"unstated_{name}_frames"] = int(unstated.sum())
        if unstated.all():
            continue
        shares = zip(LEVELS, coverage(nees, len(axes), LEVELS), strict=True)
        row |= {f"coverage_{100 * level:.0f}_{name}": float(share) for level, share in shares}
        row[f"median_nees_{name}"] = quantile(torch.from_numpy(nees[~unstated]), 0.5)
        row[f"mean_nees_{name}"] = float(nees[~unstated].mean())
    return row | _risks(error, position_sigma_m(covariance))


def _risks(error: Tensor, sigma_m: Floats) -> dict[str, float]:
    """Return the areas under the risk-coverage curves, and what rejecting a fifth of the frames gains."""
    if not np.isfinite(sigma_m).any():
        return {}
    off_m = error[:, :3].norm(dim=1).masked_fill(~error.isfinite().all(dim=1), math.inf).numpy()
    curves, ideal = risk_coverage(off_m, sigma_m), risk_coverage(off_m, off_m)
    row: dict[str, float] = {}
    for name, curve, best in zip(RISKS, curves, ideal, strict=True):
        area = float(curve.mean())
        row[f"aurc_{name}_m"] = area
        row[f"aurc_{name}_of_random"] = ratio(area, float(curve[-1]))
        row[f"aurc_{name}_of_oracle"] = ratio(area, float(best.mean()))
    p95 = curves[list(RISKS).index("p95_t")]
    row["p95_t_of_best_80_percent_of_all"] = ratio(
        float(p95[np.searchsorted(KEPT, 0.8 - 1e-9)]), float(p95[-1])
    )
    return row


def ratio(value: float, of: float) -> float:
    """Return a quotient of numbers of at least 0; 1 where both are zero or both infinite."""
    if value == of:
        return 1.0
    return value / of if of else math.inf
