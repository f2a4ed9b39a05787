"""The 95 % ellipse and the heading of an estimate on a map."""

import math

import torch

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.inference.map_marks import ellipse_95, heading_rad

DOWN = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)  # top of the image to the north
AHEAD = torch.tensor(
    [math.sqrt(0.5), -math.sqrt(0.5), 0.0, 0.0], dtype=torch.float64
)  # north, level


def turned(q: torch.Tensor, heading_deg: float) -> torch.Tensor:
    """Turn a camera clockwise seen from above."""
    turn = torch.tensor([0.0, 0.0, -math.radians(heading_deg)], dtype=torch.float64)
    return quaternion_product(quaternion_exp(turn), q)


def test_the_ellipse_holds_95_percent_of_the_positions() -> None:
    covariance = torch.eye(6, dtype=torch.float64)
    covariance[:2, :2] = torch.tensor([[9.0, 4.0], [4.0, 4.0]])
    outline = ellipse_95(covariance)
    assert outline is not None
    assert torch.allclose(outline[0], outline[-1])
    # all points have the same probability density
    squared = (outline @ covariance[:2, :2].inverse() * outline).sum(dim=1)
    assert torch.allclose(squared, torch.tensor(5.991).double(), rtol=1e-3)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(20_000, 2, dtype=torch.float64, generator=generator)
    positions = drawn @ torch.linalg.cholesky(covariance[:2, :2]).T
    inside = (positions @ covariance[:2, :2].inverse() * positions).sum(dim=1) < squared[0]
    assert abs(inside.double().mean() - 0.95) < 0.005
    x, y = outline.T
    assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0  # anticlockwise


def test_an_unknown_covariance_has_no_ellipse() -> None:
    assert ellipse_95(torch.diag(torch.tensor([1.0, torch.inf, 1, 1, 1, 1]))) is None
    assert ellipse_95(torch.full((6, 6), torch.nan)) is None


def test_the_heading_is_that_of_the_view_or_of_the_top_of_the_image() -> None:
    for camera in (DOWN, AHEAD):
        for heading_deg in (0.0, 30.0, 90.0, -170.0):
            found = heading_rad(turned(camera, heading_deg)).rad2deg().item()
            assert math.isclose(found, heading_deg, abs_tol=1e-9)


def test_a_small_tilt_changes_the_heading_little() -> None:
    for tilt in ([0.02, 0.0, 0.0], [-0.02, 0.0, 0.0], [0.0, 0.02, 0.0], [0.0, -0.02, 0.0]):
        q = quaternion_product(quaternion_exp(torch.tensor(tilt).double()), turned(DOWN, 70.0))
        assert abs(heading_rad(q).rad2deg().item() - 70.0) < 2
