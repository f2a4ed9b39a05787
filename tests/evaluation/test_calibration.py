"""Coverage, NEES and risk-coverage curves of stated covariances."""

import math

import numpy as np
import pytest
import torch

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.calibration import (
    HORIZONTAL_VERTICAL,
    KEPT,
    POSITION,
    ROTATION,
    calibration_summary,
    coverage,
    error_vectors,
    normalised_errors,
    position_sigma_m,
    risk_coverage,
)

PARTS = {**POSITION, **HORIZONTAL_VERTICAL, **ROTATION}


def drawn(count: int) -> tuple[Pose, Pose, torch.Tensor]:
    """Answers, the truth, and the correlated covariances (N, 6, 6) that their errors were drawn from."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    scale = torch.tensor([8.0, 4.0, 2.0, 0.02, 0.03, 0.01], dtype=torch.float64)
    root = scale[:, None] * (torch.eye(6) + 0.4 * normal(count, 6, 6))
    error = (root @ normal(count, 6, 1)).squeeze(-1)
    predicted = Pose(1000 * normal(count, 3), quaternion_exp(normal(count, 3)))
    turned = quaternion_product(quaternion_exp(error[:, 3:]), predicted.q)
    return predicted, Pose(predicted.t + error[:, :3], -turned), root @ root.mT


def test_error_vectors_are_along_and_about_the_axes_of_the_world() -> None:
    turn = torch.tensor([[0.0, 0.0, 0.1]])
    start = quaternion_exp(torch.tensor([[1.0, 2.0, -0.5]]))
    predicted = Pose(torch.tensor([[1.0, 2.0, 3.0]]), start)
    truth = Pose(torch.tensor([[1.5, 2.0, 2.0]]), -quaternion_product(quaternion_exp(turn), start))
    expected = torch.tensor([[0.5, 0.0, -1.0, 0.0, 0.0, 0.1]]).double()
    assert torch.allclose(error_vectors(predicted, truth), expected, atol=1e-6)


def test_right_covariances_hold_what_they_claim() -> None:
    row = calibration_summary(*drawn(20_000), PARTS)
    for part in PARTS:
        for level in (50, 90, 95):
            assert row[f"coverage_{level}_{part}"] == pytest.approx(level / 100, abs=0.01)
        assert row[f"mean_nees_{part}"] == pytest.approx(1, abs=0.03)
        assert row[f"unstated_{part}_frames"] == 0


def test_half_the_sigma_is_overconfident() -> None:
    predicted, truth, covariance = drawn(5000)
    row = calibration_summary(predicted, truth, covariance / 4, PARTS)
    assert row["mean_nees_position"] == pytest.approx(4, rel=0.05)
    assert row["coverage_95_position"] < 0.6


def test_what_is_not_stated_is_left_out_and_counted() -> None:
    predicted, truth, covariance = drawn(1000)
    covariance[:400, 2], covariance[:400, :, 2] = 0.0, 0.0
    covariance[:400, 2, 2] = math.inf  # the height
    covariance[:, 3:], covariance[:, :, 3:] = 0.0, 0.0
    covariance[:, [3, 4, 5], [3, 4, 5]] = math.inf
    row = calibration_summary(predicted, truth, covariance, PARTS)
    assert [row[f"unstated_{part}_frames"] for part in PARTS] == [400, 0, 400, 1000]
    assert row["coverage_95_horizontal"] == pytest.approx(0.95, abs=0.03)
    assert not any(key.startswith("coverage") and key.endswith("rotation") for key in row)


def test_frames_without_an_answer_are_not_covered() -> None:
    predicted, truth, covariance = drawn(1000)
    predicted.t[:500] = math.nan
    covariance[:250] = math.nan
    row = calibration_summary(predicted, truth, covariance, PARTS)
    assert row["unstated_position_frames"] == 0
    assert row["coverage_95_position"] == pytest.approx(0.475, abs=0.02)
    assert row["mean_nees_position"] == math.inf
    assert row["p95_t_of_best_80_percent_of_all"] == 1.0


def test_a_covariance_that_is_none_holds_nothing() -> None:
    error, covariance = torch.ones(1, 6), -torch.eye(6).expand(1, 6, 6)
    assert normalised_errors(error, covariance, (0, 1, 2)).tolist() == [math.inf]


def test_coverage_at_other_levels() -> None:
    nees = np.array([[0.0, 0.4, math.nan], [2.0, math.inf, math.nan]])
    assert coverage(nees, 1, [0.0, 0.5, 0.9]).tolist() == [0.25, 0.5, 0.75]


def test_sigma_that_follows_the_error_is_as_good_as_an_oracle() -> None:
    errors = np.arange(1.0, 101.0)
    median, p95 = risk_coverage(errors, 2 * errors)
    assert median[-1] == 50.5 and median[9] == 25.5
    assert p95[-1] == pytest.approx(95.05) and p95[KEPT == 0.8] == pytest.approx(76.05)


def test_equal_sigmas_reject_nothing() -> None:
    errors = np.arange(1.0, 101.0)
    assert (risk_coverage(errors, np.ones(100))[0] == 50.5).all()
    unknown = np.where(errors > 50, np.nan, 1.0)  # kept last
    assert risk_coverage(errors, unknown)[0, 9] == 25.5


def test_area_is_relative_to_random_and_to_an_oracle() -> None:
    truth = Pose(torch.zeros(400, 3), torch.tensor([[1.0, 0, 0, 0]] * 400))
    far = torch.linspace(1, 100, 400)
    predicted = truth._replace(t=far[:, None] * torch.tensor([[0.6, 0.0, 0.8]]))
    covariance = far[:, None, None] ** 2 * torch.eye(6)
    good = calibration_summary(predicted, truth, covariance, POSITION)
    assert good["aurc_median_t_of_oracle"] == pytest.approx(1)
    assert good["aurc_p95_t_of_random"] == pytest.approx(0.525, abs=0.02)
    assert good["p95_t_of_best_80_percent_of_all"] == pytest.approx(0.8, abs=0.01)
    constant = calibration_summary(predicted, truth, torch.eye(6).expand(400, 6, 6), POSITION)
    assert constant["aurc_p95_t_of_random"] == pytest.approx(1)
    assert constant["p95_t_of_best_80_percent_of_all"] == 1
    assert constant["aurc_median_t_m"] == pytest.approx(50.5)


def test_position_sigma_is_the_root_of_the_trace() -> None:
    covariance = torch.diag(torch.tensor([1.0, 4.0, 4.0, 9.0, 9.0, 9.0]))[None]
    assert position_sigma_m(covariance).tolist() == [3.0]
