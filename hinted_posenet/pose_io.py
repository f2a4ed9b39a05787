"""The only place that knows foreign pose conventions; every pose returned is a float64 T_world_cam.

| format            | translation                    | rotation                        |
|-------------------|--------------------------------|---------------------------------|
| Cambridge line    | camera centre in the world     | world-to-camera quaternion wxyz |
| 7-Scenes 4x4 text | camera-to-world                | camera-to-world                 |
| aerial CSV row    | T_cam_world (world-to-camera)  | world-to-camera quaternion wxyz |
| our pose text     | world-to-camera, as COLMAP     | world-to-camera quaternion wxyz |

``where`` is the file and line that an error message begins with.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch.nn.functional import normalize

from hinted_posenet.geometry import invert, quaternion_inverse
from hinted_posenet.types import InputError, Pose

QUATERNION_NORM_RANGE = (0.4, 2.5)  # published labels (Cambridge Street) reach 2.01
ORTHONORMAL_TOLERANCE = 0.02  # of R^T R against I; real 7-Scenes files are off by 2e-4
POSE_TEXT_HEADER = (
    "# name qw qx qy qz tx ty tz  (T_cam_world: world-to-camera as in COLMAP, metres)"
)
AERIAL_POSE_COLUMNS = tuple(
    f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz")
)


def parse_cambridge_line(line: str, where: str) -> tuple[str, Pose]:
    """One label ``name X Y Z W P Q R`` of Cambridge Landmarks -> (name, T_world_cam).

    Its convention is mixed: X Y Z is the camera centre, W P Q R the world-to-camera rotation.
    """
    fields = line.split()
    if len(fields) != 8:
        raise InputError(
            f"{where}: expected 8 fields `name X Y Z W P Q R`, found {len(fields)}; "
            "correct the line"
        )
    numbers = _numbers(fields[1:], where)
    q_cam_world = _unit_quaternion(numbers[3:], where)
    return fields[0], Pose(numbers[:3], quaternion_inverse(q_cam_world))


def parse_matrix_text(text: str, where: str) -> Pose:
    """A 4x4 camera-to-world matrix as text (7-Scenes ``pose.txt``) -> T_world_cam."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if [len(row) for row in rows] != [4, 4, 4, 4]:
        raise InputError(
            f"{where}: expected a 4x4 matrix, found rows of {[len(row) for row in rows]} numbers; "
            "replace the file"
        )
    matrix = _numbers([field for row in rows for field in row], where).reshape(4, 4).numpy()
    if not np.allclose(matrix[3], [0, 0, 0, 1], rtol=0, atol=1e-6):
        raise InputError(
            f"{where}: expected the last row 0 0 0 1, found {_row(matrix[3])}; replace the file"
        )
    return Pose(torch.from_numpy(matrix[:3, 3].copy()), _nearest_quaternion(matrix[:3, :3], where))


def parse_aerial_row(row: Mapping[str, str], where: str) -> Pose:
    """The ``T_cam_world_*`` columns of one row of an aerial ``frames.csv`` -> T_world_cam."""
    return _pose_from_world_to_camera([row[column] for column in AERIAL_POSE_COLUMNS], where)


def write_poses(path: Path, names: Sequence[str], T_world_cam: Pose) -> None:
    """Write poses t (N, 3), q (N, 4) as lines ``name qw qx qy qz tx ty tz``, world-to-camera."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    lines = [POSE_TEXT_HEADER]
    for name, pose in zip(names, torch.cat([q, t], dim=-1).tolist(), strict=True):
        lines.append(" ".join([name, *map(repr, pose)]))  # repr: float64 survives a round trip
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def read_poses(path: Path) -> tuple[list[str], Pose]:
    """Read what `write_poses` wrote -> names and T_world_cam, t (N, 3), q (N, 4).

    Lines of the same format from elsewhere are read too; a name may contain spaces.
    """
    poses: dict[str, Pose] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path} line {number}"
        name, *fields = line.rsplit(maxsplit=7)
        if len(fields) != 7:
            raise InputError(
                f"{where}: expected 8 fields `name qw qx qy qz tx ty tz`, found {len(fields) + 1}; "
                "correct the line"
            )
        if name in poses:
            raise InputError(f"{where}: {name} appears twice; remove one of the lines")
        poses[name] = _pose_from_world_to_camera(fields, where)
    if not poses:
        raise InputError(f"{path}: no poses; expected lines `name qw qx qy qz tx ty tz`")
    t, q = zip(*poses.values(), strict=True)
    return list(poses), Pose(torch.stack(t), torch.stack(q))


def read_nvm_focals(path: Path) -> dict[str, float]:
    """Focal lengths in pixels of the cameras of a VisualSFM ``reconstruction.nvm``.

    Keys are image names without suffix: the model says .jpg where the Cambridge labels say .png.
    Only the camera block is read; hundreds of megabytes of points may follow it.
    """
    focals: dict[str, float] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = ((number, line.split()) for number, line in enumerate(file, start=1))
        filled = ((number, fields) for number, fields in lines if fields)
        if next(filled, (0, [""]))[1][0] != "NVM_V3":
            raise InputError(f"{path} line 1: expected NVM_V3; replace the file")
        number, (count, *_) = next(filled, (2, [""]))
        if not count.isdigit():
            raise InputError(f"{path} line {number}: expected the camera count; replace the file")
        for number, fields in islice(filled, int(count)):
            where = f"{path} line {number}"
            if len(fields) != 11:
                raise InputError(
                    f"{where}: expected 11 fields `name focal qw qx qy qz cx cy cz k1 0`, found "
                    f"{len(fields)}; replace the file"
                )
            focal_px = float(_numbers(fields[1:2], where))
            if focal_px <= 0:
                raise InputError(f"{where}: focal length {focal_px} px is not positive; correct it")
            focals[fields[0].rsplit(".", 1)[0]] = focal_px
    return focals


def _pose_from_world_to_camera(fields: Sequence[str], where: str) -> Pose:
    """Seven fields ``qw qx qy qz tx ty tz`` of T_cam_world -> T_world_cam."""
    numbers = _numbers(fields, where)
    return Pose(*invert(numbers[4:], _unit_quaternion(numbers[:4], where)))


def _numbers(fields: Sequence[str], where: str) -> torch.Tensor:
    """Text fields -> finite float64 tensor (N,)."""
    try:
        numbers = torch.tensor([float(field) for field in fields], dtype=torch.float64)
    except (TypeError, ValueError):  # TypeError: csv gives None where a row is too short
        raise InputError(
            f"{where}: expected numbers, found `{_row(fields)}`; correct the line"
        ) from None
    if not numbers.isfinite().all():
        raise InputError(
            f"{where}: expected finite numbers, found `{_row(fields)}`; correct or "
            "exclude the frame"
        )
    return numbers


def _unit_quaternion(q: torch.Tensor, where: str) -> torch.Tensor:
    """Normalise a quaternion (4,), refusing one that cannot have been meant as a rotation."""
    norm, (low, high) = float(q.norm()), QUATERNION_NORM_RANGE
    if not low <= norm <= high:
        raise InputError(
            f"{where}: quaternion {_row(q.tolist())} has norm {norm:.3g}, expected about 1 "
            f"({low} to {high}); correct or exclude the frame"
        )
    return normalize(q, dim=0)


def _nearest_quaternion(R: np.ndarray, where: str) -> torch.Tensor:
    """Nearest rotation to an almost orthonormal matrix (3, 3), as a quaternion (4,)."""
    error = np.abs(R.T @ R - np.eye(3)).max()
    if error > ORTHONORMAL_TOLERANCE or np.linalg.det(R) < 0:
        raise InputError(
            f"{where}: the upper left 3x3 block is not a rotation (R^T R is off by {error:.2g}, "
            f"det {np.linalg.det(R):.3g}); correct or exclude the frame"
        )
    U, _, Vt = np.linalg.svd(R)
    return normalize(rotation_matrix_to_quaternion(torch.from_numpy(U @ Vt)), dim=0)


def _row(fields: Sequence[object]) -> str:
    return " ".join(map(str, fields))


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
