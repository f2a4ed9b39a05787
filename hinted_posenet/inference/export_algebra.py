"""Operators that ONNX does not have, by those that it has, while a graph is exported.

ONNX knows no inverse, no Cholesky factor and no arctangent of float64. Matrices here are covariances and normal
matrices, (*, 3, 3) or (*, 6, 6), symmetric and positive definite, so that elimination needs no pivots. They are
inverted in float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from torch.overrides import TorchFunctionMode

from hinted_posenet.core.geometry import quaternion_product

NEXT, NEXT_BUT_ONE = [1, 2, 0], [2, 0, 1]
# elements and signs of the matrix, row by row, with which a quaternion multiplies from the left
LEFT = [0, 1, 2, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 2, 1, 0]
LEFT_SIGN = [[1, -1, -1, -1], [1, 1, -1, 1], [1, 1, 1, -1], [1, -1, 1, 1]]


class OnnxOperators(TorchFunctionMode):
    """Replaces what ONNX lacks while networks are called under it; the answers are the same to rounding."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call an operator of torch, or what replaces it."""
        return REPLACED.get(func, func)(*args, **(kwargs or {}))


def inverse(matrix: Tensor) -> Tensor:
    """Invert (*, 3, 3) or (*, 6, 6), the latter by the Schur complement of its upper left block."""
    wide = matrix.double()
    if matrix.shape[-1] == 3:
        return _inverse_of_3(wide).to(matrix.dtype)
    upper, right, lower = wide[..., :3, :3], wide[..., :3, 3:], wide[..., 3:, 3:]
    first = _inverse_of_3(upper)
    across = first @ right
    second = _inverse_of_3(lower - right.transpose(-1, -2) @ across)
    corner = across @ second
    top = torch.cat([first + corner @ across.transpose(-1, -2), -corner], dim=-1)
    bottom = torch.cat([-corner.transpose(-1, -2), second], dim=-1)
    return torch.cat([top, bottom], dim=-2).to(matrix.dtype)


def _inverse_of_3(matrix: Tensor) -> Tensor:
    """Invert (*, 3, 3) by its cofactors."""
    below, above = matrix[..., NEXT, :], matrix[..., NEXT_BUT_ONE, :]
    cofactors = below[..., NEXT] * above[..., NEXT_BUT_ONE]
    cofactors = cofactors - below[..., NEXT_BUT_ONE] * above[..., NEXT]
    determinant = (matrix[..., 0, :] * cofactors[..., 0, :]).sum(dim=-1, keepdim=True)
    return cofactors.transpose(-1, -2) / determinant.unsqueeze(-1)


def solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Solve for vectors (*, n) or matrices (*, n, m)."""
    undo = inverse(matrix.double())
    if right.dim() == matrix.dim():
        return (undo @ right.double()).to(right.dtype)
    return (undo @ right.double().unsqueeze(-1))[..., 0].to(right.dtype)


class Solved(NamedTuple):
    """What `torch.linalg.solve_ex` returns; ONNX could not tell whether it worked."""

    result: Tensor


def solve_ex(matrix: Tensor, right: Tensor) -> Solved:
    """Solve as `solve` does."""
    return Solved(solve(matrix, right))


def cholesky(matrix: Tensor) -> Tensor:
    """Return the lower factor of (*, n, n), column by column."""
    columns, left = [], matrix
    for k in range(int(matrix.shape[-1])):
        column = left[..., :, k] / left[..., k : k + 1, k].sqrt()
        columns.append(column)
        left = left - column.unsqueeze(-1) * column.unsqueeze(-2)
    size = int(matrix.shape[-1])
    return torch.stack(columns, dim=-1) * torch.ones(size, size, dtype=matrix.dtype).tril()


def cholesky_solve(right: Tensor, factor: Tensor) -> Tensor:
    """Solve for matrices (*, n, m), given the factor (*, n, n) of `cholesky`.

    With M = 1 - D^-1 L, which is strictly lower, the inverse of L is (1 + M) (1 + M^2) (1 + M^4) D^-1, n <= 8.
    """
    scale = diagonal(factor)
    one = torch.eye(int(factor.shape[-1]), dtype=factor.dtype)
    M = one - factor / scale.unsqueeze(-1)
    M2 = M @ M
    undo = (one + M) @ (one + M2) @ (one + M2 @ M2) / scale.unsqueeze(-2)
    return undo.transpose(-1, -2) @ (undo @ right)


def atan2(y: Tensor, x: Tensor) -> Tensor:
    """Return angles: in float64 those of float32, and one step of Newton's."""
    if y.dtype != torch.float64:
        return torch.atan2(y, x)
    angle = torch.atan2(y.float(), x.float()).double()
    sine, cosine = angle.sin(), angle.cos()
    along = x * cosine + y * sine
    return angle + (y * cosine - x * sine) / torch.where(along == 0, 1.0, along)


def take_along_dim(values: Tensor, indices: Tensor, dim: int) -> Tensor:
    """Return values (*, K, ...) at indices that have one row there and may be narrower behind it.

    The operator of torch fixes the size of a batch while it is exported.
    """
    shape = [*values.shape]
    shape[dim] = indices.shape[dim]
    return values.gather(dim, indices.expand(shape))


def quaternion_matrix_product(a: Tensor, b: Tensor) -> Tensor:
    """Return Hamilton products (*, 4) as those of b with matrices of a: a few nodes in place of 40."""
    matrix = a[..., LEFT].reshape(*a.shape[:-1], 4, 4) * torch.tensor(LEFT_SIGN, dtype=a.dtype)
    return (matrix * b.unsqueeze(-2)).sum(dim=-1)


def where(chosen: Tensor, one: Any, other: Any) -> Tensor:
    """Return one where ``chosen`` is true, the other elsewhere; onnxruntime cannot choose among truth values."""
    if isinstance(one, Tensor) and one.dtype == torch.bool:
        either: Tensor = (chosen & one) | (~chosen & other)
        return either
    return torch.where(chosen, one, other)


def isfinite(values: Tensor) -> Tensor:
    """Return which values are numbers; no nan equals itself."""
    return (values.abs() != torch.inf) & (values == values)


def sinc(values: Tensor) -> Tensor:
    """Return sin(pi x) / (pi x), 1 at 0."""
    angle = torch.pi * torch.where(values == 0, 1.0, values)
    return torch.where(values == 0, 1.0, angle.sin() / angle)


def asinh(values: Tensor) -> Tensor:
    """Return the inverse of the hyperbolic sine."""
    size = values.abs()
    return values.sign() * (size + (size.square() + 1.0).sqrt()).log()


def transposed(matrix: Tensor) -> Tensor:
    """Return the transposes (*, m, n) of matrices (*, n, m)."""
    return matrix.transpose(-1, -2)


def flatten(values: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join axes, of which only the first of all may have any size."""
    first, last = start_dim % values.dim(), end_dim % values.dim()
    before = [values.shape[dim] if dim == 0 else int(values.shape[dim]) for dim in range(first)]
    return values.reshape(*before, -1, *(int(size) for size in values.shape[last + 1 :]))


def repeat_interleave(values: Tensor, repeats: int, dim: int) -> Tensor:
    """Repeat each number of the last axis; the exporter mistakes a negative ``dim``."""
    repeated = torch.stack([values] * repeats, dim=-1)
    return repeated.reshape(*values.shape[:-1], int(values.shape[dim]) * repeats)


def squeeze(values: Tensor, dim: int) -> Tensor:
    """Drop an axis of one row; where the exporter does not know that it is one, it would write a branch."""
    return values.select(dim, 0)


def marked(values: Tensor, dim: int, index: Tensor, value: bool) -> Tensor:
    """Return truth values (B, K), true at an index (B, 1)."""
    return values | (torch.arange(int(values.shape[dim])) == index)


def diag_embed(values: Tensor) -> Tensor:
    """Return matrices (*, n, n) with a diagonal (*, n), which may be infinite."""
    one = torch.eye(int(values.shape[-1]), dtype=torch.bool)
    return torch.where(one, values.unsqueeze(-1), torch.zeros((), dtype=values.dtype))


def diagonal(matrix: Tensor, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return the diagonals (*, n) of matrices (*, n, n)."""
    return matrix.flatten(dim1, dim2)[..., :: int(matrix.shape[-1]) + 1]


def split(values: Tensor, size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return parts of a size, the last one perhaps smaller; ONNX has sequences of tensors, but they are slow."""
    whole = int(values.shape[dim])
    return tuple(
        values.narrow(dim, start, min(size, whole - start)) for start in range(0, whole, size)
    )


def chunk(values: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return so many parts."""
    return split(values, -(-int(values.shape[dim]) // chunks), dim)


def unbind(values: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return every row along an axis."""
    return tuple(values.select(dim, row) for row in range(int(values.shape[dim])))


def pool(feature: Tensor, cells: int) -> Tensor:
    """Average maps (B, C, H, W) over cells x cells parts, which may overlap by a row, by two products."""
    down, across = (_parts(int(size), cells) for size in feature.shape[-2:])
    return down @ feature @ across.T


def _parts(size: int, cells: int) -> Tensor:
    """Return the weights (cells, size) of adaptive pooling along one axis."""
    at = torch.arange(size)
    start = [cell * size // cells for cell in range(cells)]
    end = [-(-(cell + 1) * size // cells) for cell in range(cells)]
    inside = [(at >= a) & (at < b) for a, b in zip(start, end, strict=True)]
    return torch.stack(inside) / torch.tensor(end).sub(torch.tensor(start)).unsqueeze(1)


REPLACED: dict[Any, Callable[..., Any]] = {
    torch.linalg.inv: inverse,
    torch.linalg.solve: solve,
    torch.linalg.solve_ex: solve_ex,
    torch.linalg.cholesky: cholesky,
    torch.cholesky_solve: cholesky_solve,
    torch.atan2: atan2,
    torch.Tensor.take_along_dim: take_along_dim,
    quaternion_product: quaternion_matrix_product,
    torch.where: where,
    torch.isfinite: isfinite,
    torch.Tensor.isfinite: isfinite,
    torch.sinc: sinc,
    torch.Tensor.asinh: asinh,
    torch.Tensor.scatter: marked,
    torch.Tensor.squeeze: squeeze,
    torch.Tensor.repeat_interleave: repeat_interleave,
    torch.Tensor.flatten: flatten,
    torch.Tensor.mT.__get__: transposed,  # type: ignore[attr-defined]  # of a property
    torch.diag_embed: diag_embed,
    torch.Tensor.diag_embed: diag_embed,
    torch.Tensor.diagonal: diagonal,
    torch.split: split,
    torch.Tensor.split: split,
    torch.Tensor.chunk: chunk,
    torch.Tensor.unbind: unbind,
    adaptive_avg_pool2d: pool,
}
