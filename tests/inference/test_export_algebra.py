"""What replaces operators that ONNX lacks answers what they do."""

import pytest
import torch
from poses import generator, random_quaternions
from torch.nn.functional import adaptive_avg_pool2d

from hinted_posenet.core.geometry import quaternion_product
from hinted_posenet.inference.export_algebra import OnnxOperators


def covariances(size: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Symmetric positive definite, with metres and radians of very different sizes."""
    root = torch.randn(50, size, size, generator=generator(), dtype=torch.float64)
    scale = torch.logspace(-3, 2, size, dtype=torch.float64)
    return (scale[:, None] * (root @ root.mT + 0.1 * torch.eye(size)) * scale).to(dtype)


@pytest.mark.parametrize("size", [3, 6])
def test_inverses(size: int) -> None:
    matrix = covariances(size)
    with OnnxOperators():
        found = torch.linalg.inv(matrix)
    torch.testing.assert_close(found @ matrix, torch.eye(size).double().expand(50, -1, -1))


def test_solutions_of_vectors_and_matrices() -> None:
    matrix, right = covariances(6), torch.randn(50, 6, 2, generator=generator()).double()
    with OnnxOperators():
        many, one = torch.linalg.solve(matrix, right), torch.linalg.solve(matrix, right[..., 0])
        factor = torch.linalg.cholesky(matrix)
        by_factor = torch.cholesky_solve(right, factor)
    wanted = torch.linalg.solve(matrix, right)
    torch.testing.assert_close(many, wanted, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(one, wanted[..., 0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(factor, torch.linalg.cholesky(matrix), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(by_factor, wanted, rtol=1e-9, atol=1e-9)


def test_angles_of_float64_in_all_quadrants() -> None:
    angle = torch.linspace(-3.1, 3.1, 101, dtype=torch.float64)
    with OnnxOperators():
        found = torch.atan2(2 * angle.sin(), 2 * angle.cos())
        nothing = torch.atan2(torch.zeros(1).double(), torch.zeros(1).double())
    torch.testing.assert_close(found, angle, rtol=1e-12, atol=1e-12)
    assert nothing == 0


@pytest.mark.parametrize(("height", "width", "cells"), [(10, 10, 3), (15, 20, 3), (4, 4, 10)])
def test_pools_whose_parts_overlap(height: int, width: int, cells: int) -> None:
    feature = torch.rand(2, 5, height, width, generator=generator())
    with OnnxOperators():
        found = adaptive_avg_pool2d(feature, cells)
    torch.testing.assert_close(found, adaptive_avg_pool2d(feature, cells))


def test_products_of_quaternions() -> None:
    a, b = random_quaternions(5).unsqueeze(1), random_quaternions(21, seed=3).view(3, 7, 4)[:1]
    with OnnxOperators():
        found = quaternion_product(a, b)
    torch.testing.assert_close(found, quaternion_product(a, b))
    assert not torch.equal(found, quaternion_product(a, b))  # in another order of the sums


def test_rows_by_their_indices() -> None:
    values, rows = torch.rand(4, 6, 3, generator=generator()), torch.tensor([5, 0, 3, 3])
    with OnnxOperators():
        found = values.take_along_dim(rows.view(4, 1, 1), dim=1)
    assert torch.equal(found, values[torch.arange(4), rows].unsqueeze(1))
