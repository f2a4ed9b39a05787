import math

import pytest
import torch
from poses import random_poses

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.metrics import pose_errors, quantile, recall_area, summary
from hinted_posenet.training.lightning_module import MedianPoseError


def off_by(metres: torch.Tensor, degrees: torch.Tensor) -> tuple[Pose, Pose]:
    """Poses (N,) with exactly these errors, and their truth."""
    truth = random_poses(len(metres), half_extent_m=1.0)
    axis = torch.tensor([0.0, 0.6, 0.8])
    turn = quaternion_exp(degrees.deg2rad().unsqueeze(-1) * axis)
    return Pose(truth.t + metres.unsqueeze(-1) * axis, quaternion_product(truth.q, turn)), truth


def test_errors_are_metres_and_degrees():
    metres, degrees = torch.tensor([0.0, 0.05, 7.0]), torch.tensor([0.0, 5.0, 179.0])
    found = pose_errors(*off_by(metres, degrees))
    torch.testing.assert_close(found[0], metres, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[1], degrees, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("part", ["t", "q"])
def test_an_answer_that_is_not_finite_is_an_infinite_error_in_both(part):
    predicted, truth = off_by(torch.ones(3), torch.ones(3))
    getattr(predicted, part)[1, 0] = torch.nan
    for errors in pose_errors(predicted, truth):
        assert errors.isinf().tolist() == [False, True, False]


def test_median_of_batches_is_the_quantile_of_the_whole_split():
    metres, degrees = 10 * torch.rand(101), 90 * torch.rand(101)
    predicted, truth = off_by(metres, degrees)
    metric = MedianPoseError()
    for rows in torch.arange(101).split(8):
        metric.update(
            Pose(predicted.t[rows], predicted.q[rows]), Pose(truth.t[rows], truth.q[rows])
        )
    found = metric.compute()
    assert found["median_t_m"].item() == pytest.approx(metres.quantile(0.5).item(), rel=1e-4)
    assert found["median_r_deg"].item() == pytest.approx(degrees.quantile(0.5).item(), rel=1e-4)
    metric.reset()
    metric.update(*off_by(torch.ones(2), torch.ones(2)))
    assert metric.compute()["median_t_m"].item() == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(
    ("errors", "median"),
    [
        ([1.0, 2.0, 4.0], 2.0),
        ([1.0, 2.0, 4.0, 8.0], 3.0),  # an even count: halfway
        ([1.0, 2.0, math.inf], 2.0),
        ([1.0, 2.0, math.inf, math.inf], math.inf),
        ([math.inf, math.inf, math.inf], math.inf),
        ([5.0], 5.0),
    ],
)
def test_quantile_with_frames_that_have_no_answer(errors, median):
    assert quantile(torch.tensor(errors).double(), 0.5) == median


@pytest.mark.parametrize("lost", [2, 4])
def test_validation_median_counts_lost_frames_as_infinite(lost):
    predicted, truth = off_by(torch.ones(4), torch.ones(4))
    predicted.t[:lost] = torch.nan
    metric = MedianPoseError()
    metric.update(predicted, truth)
    assert metric.compute()["median_t_m"].isinf()  # NaN would be compared with False ever after


def test_summary_counts_recall_at_both_thresholds_together():
    metres = torch.tensor([0.01, 0.05, 0.02, 1.0, math.inf])
    degrees = torch.tensor([1.0, 5.0, 9.0, 1.0, math.inf])
    row = summary(metres, degrees, [(0.05, 5), (0.25, 10), (2, 0.5)])
    assert row["frames"] == 5
    assert row["recall_0.05m_5deg"] == pytest.approx(2 / 5)  # a threshold counts what equals it
    assert row["recall_0.25m_10deg"] == pytest.approx(3 / 5)
    assert row["recall_2m_0.5deg"] == 0
    assert row["median_t_m"] == pytest.approx(0.05)
    assert row["median_r_deg"] == pytest.approx(5.0)
    assert row["mean_t_m"] == row["p95_t_m"] == math.inf


def test_summary_of_four_frames_by_hand():
    metres, degrees = torch.tensor([4.0, 1.0, 3.0, 2.0]), torch.tensor([0.0, 0.0, 0.0, 40.0])
    row = summary(metres, degrees, [(2.0, 5.0), (4.0, 10.0)])
    expected = {
        "median_t_m": 2.5,
        "mean_t_m": 2.5,
        "rmse_t_m": math.sqrt(30 / 4),
        "p75_t_m": 3.25,
        "p90_t_m": 3.7,
        "p95_t_m": 3.85,
        "max_t_m": 4.0,
        "median_r_deg": 0.0,
        "max_r_deg": 40.0,
        "recall_2m_5deg": 0.25,  # the other frame within 2 m is turned
        "recall_4m_10deg": 0.75,
        "auc_4m": (0 + 0.75 + 0.25 + 0.5) / 4,
        "auc_10deg": 0.75,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_the_area_is_that_under_the_recall_curve():
    error = torch.tensor([0.2, 0.7, 3.0, math.inf])
    steps = torch.linspace(0, 2, 20001)
    sampled = (error[:, None] <= steps).double().mean()
    assert recall_area(error, 2.0) == pytest.approx(sampled.item(), abs=1e-4)
