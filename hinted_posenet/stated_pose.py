"""Numbers of a file made a pose: finite, with a rotation that is one to the last digit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from numpy.typing import NDArray
from torch.nn.functional import normalize

from hinted_posenet.types import InputError, Pose

QUATERNION_NORM_RANGE = (0.4, 2.5)  # published labels (Cambridge Street) reach 2.01
ORTHONORMAL_TOLERANCE = 0.02  # of R^T R against I; real 7-Scenes files are off by 2e-4


class StatedPose(NamedTuple):
    """A pose as a file states it."""

    T_world_cam: Pose  # float64, (3,) and (4,); its rotation is exact
    rotation_error: float  # of the file's: | |q| - 1 |, or max |R^T R - I|


Rows = Sequence[Sequence[str | float]]
SAME_CAMERA: NDArray[np.float64] = np.eye(4)


def check_fields(fields: Sequence[object], names: str, where: str) -> None:
    """Refuse a line of a file that has more or fewer fields than ``names``, which spaces part."""
    if len(fields) != len(names.split()):
        raise InputError(
            f"{where}: expected {len(names.split())} fields `{names}`, found {len(fields)}; correct the line"
        )


def numbers(fields: Sequence[str | float], where: str) -> torch.Tensor:
    """Fields of a file -> finite float64 tensor (N,)."""
    try:
        found = torch.tensor([float(field) for field in fields], dtype=torch.float64)
    except (TypeError, ValueError):  # TypeError: csv gives None where a row is too short
        raise InputError(
            f"{where}: expected numbers, found `{row_text(fields)}`; correct the line"
        ) from None
    if not found.isfinite().all():
        raise InputError(
            f"{where}: expected finite numbers, found `{row_text(fields)}`; correct or "
            "exclude the frame"
        )
    return found


def unit_quaternion(q: torch.Tensor, where: str) -> tuple[torch.Tensor, float]:
    """Normalise a quaternion (4,), refusing one that cannot have been meant as a rotation; its | |q| - 1 |."""
    norm, (low, high) = float(q.norm()), QUATERNION_NORM_RANGE
    if not low <= norm <= high:
        raise InputError(
            f"{where}: quaternion {row_text(q.tolist())} has norm {norm:.3g}, expected about 1 "
            f"({low} to {high}); correct or exclude the frame"
        )
    return normalize(q, dim=0), abs(norm - 1)


def poses_from_matrices(
    matrices: Sequence[Rows],
    where: Sequence[str],
    T_stated_cam: NDArray[np.float64] = SAME_CAMERA,
) -> list[StatedPose | InputError]:
    """Rows of 4x4 matrices T_world_stated -> poses T_world_cam.

    All at once, because 7-Scenes has thousands; an error stands in the place of what is no rigid motion.

    Args:
        matrices: of N cameras.
        where: N files and lines.
        T_stated_cam: rigid motion (4, 4) from our camera to the one that the matrices are of.
    """
    T = np.stack([_matrix(rows) for rows in matrices]).reshape(-1, 4, 4)
    R = np.nan_to_num(T[:, :3, :3], posinf=0, neginf=0)
    rotation_errors = np.abs(R.transpose(0, 2, 1) @ R - np.eye(3)).max((1, 2))
    determinants = np.linalg.det(R)
    last_rows = np.abs(T[:, 3] - [0, 0, 0, 1]).max(1)
    with np.errstate(invalid="ignore"):
        sound = (rotation_errors <= ORTHONORMAL_TOLERANCE) & (determinants > 0) & (last_rows < 1e-6)
    sound &= np.isfinite(T).all((1, 2))
    U, _, Vt = np.linalg.svd(R)  # the nearest rotation to R is U Vt
    R = U @ Vt
    t = torch.from_numpy(R @ T_stated_cam[:3, 3] + T[:, :3, 3])
    matrix = torch.from_numpy(R @ T_stated_cam[:3, :3])
    q = normalize(rotation_matrix_to_quaternion(matrix), dim=1)
    stated = map(StatedPose, map(Pose, t.unbind(), q.unbind()), rotation_errors.tolist())
    return [
        pose
        if sound[i]
        else _what_is_wrong(matrices[i], where[i], rotation_errors[i], determinants[i])
        for i, pose in enumerate(stated)
    ]


def row_text(fields: Sequence[object]) -> str:
    """Fields with spaces between them."""
    return " ".join(map(str, fields))


def _matrix(rows: Rows) -> NDArray[np.float64]:
    """A matrix (4, 4); nan where it is none."""
    if [len(row) for row in rows] == [4, 4, 4, 4]:
        try:
            return np.array([[float(field) for field in row] for row in rows])
        except (TypeError, ValueError):
            pass
    return np.full((4, 4), np.nan)


def _what_is_wrong(rows: Rows, where: str, rotation_error: float, determinant: float) -> InputError:
    if [len(row) for row in rows] != [4, 4, 4, 4]:
        found = [len(row) for row in rows]
        return InputError(f"{where}: expected 4 rows of 4 numbers, found {found}; replace it")
    try:
        matrix = numbers([field for row in rows for field in row], where).reshape(4, 4)
    except InputError as error:
        return error
    last_row = matrix[3].tolist()
    if max(abs(a - b) for a, b in zip(last_row, (0, 0, 0, 1), strict=True)) >= 1e-6:
        return InputError(
            f"{where}: expected the last row 0 0 0 1, found {row_text(last_row)}; replace it"
        )
    return InputError(
        f"{where}: the upper left 3x3 block is not a rotation (R^T R is off by {rotation_error:.2g}, "
        f"det {determinant:.3g}); correct or exclude the frame"
    )
