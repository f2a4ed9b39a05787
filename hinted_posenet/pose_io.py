"""The only place that knows foreign pose conventions; every pose returned is a float64 T_world_cam.

| format            | translation                    | rotation                        |
|-------------------|--------------------------------|---------------------------------|
| Cambridge line    | camera centre in the world     | world-to-camera quaternion wxyz |
| 7-Scenes 4x4 text | camera-to-world                | camera-to-world                 |
| aerial CSV row    | T_cam_world (world-to-camera)  | world-to-camera quaternion wxyz |
| our pose text     | world-to-camera, as COLMAP     | world-to-camera quaternion wxyz |
| COLMAP image      | world-to-camera                | world-to-camera quaternion wxyz |
| NVM camera        | camera centre in the world     | world-to-camera quaternion wxyz |
| transforms.json   | camera-to-world 4x4            | camera-to-world; OpenGL's axes  |

``where`` is the file and line that an error message begins with. Numbers are written in full, so that
float64 survives a round trip: 50 km is told to 1e-11 m.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix, rotation_matrix_to_quaternion
from torch.nn.functional import normalize

from hinted_posenet.geometry import invert, quaternion_inverse
from hinted_posenet.types import InputError, Pose

QUATERNION_NORM_RANGE = (0.4, 2.5)  # published labels (Cambridge Street) reach 2.01
ORTHONORMAL_TOLERANCE = 0.02  # of R^T R against I; real 7-Scenes files are off by 2e-4
OPENGL_FROM_OPENCV = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)  # of camera axes
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
    centre_and_q = numbers(fields[1:], where)
    q_cam_world = _unit_quaternion(centre_and_q[3:], where)
    return fields[0], Pose(centre_and_q[:3], quaternion_inverse(q_cam_world))


def cambridge_line(name: str, T_world_cam: Pose) -> str:
    """The label that `parse_cambridge_line` reads."""
    return _line(name, T_world_cam.t, quaternion_inverse(T_world_cam.q))


def nvm_line(name: str, focal_px: float, T_world_cam: Pose) -> str:
    """A camera of a VisualSFM model: ``name focal qw qx qy qz cx cy cz k1 0``, without distortion."""
    focal = torch.tensor([focal_px], dtype=torch.float64)
    return _line(name, focal, quaternion_inverse(T_world_cam.q), T_world_cam.t, torch.zeros(2))


def parse_matrix_text(text: str, where: str) -> Pose:
    """A 4x4 camera-to-world matrix as text (7-Scenes ``pose.txt``) -> T_world_cam."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if [len(row) for row in rows] != [4, 4, 4, 4]:
        raise InputError(
            f"{where}: expected a 4x4 matrix, found rows of {[len(row) for row in rows]} numbers; "
            "replace the file"
        )
    return _pose_from_matrix(rows, where)


def matrix_text(T_world_cam: Pose) -> str:
    """The text that `parse_matrix_text` reads."""
    return "".join(f"{_row(row)}\n" for row in _matrix(T_world_cam).tolist())


def parse_opengl_matrix(matrix: object, where: str) -> Pose:
    """A ``transform_matrix`` of transforms.json, rows of a 4x4 list -> T_world_cam.

    It is camera-to-world of a camera as in OpenGL: x right, y up, looking along -z.
    """
    rows = (
        [row if isinstance(row, list) else [] for row in matrix] if isinstance(matrix, list) else []
    )
    if [len(row) for row in rows] != [4, 4, 4, 4]:
        raise InputError(
            f"{where}: expected transform_matrix to be 4 rows of 4 numbers; correct it"
        )
    return _pose_from_matrix(rows, where, flip=OPENGL_FROM_OPENCV)


def opengl_matrix(T_world_cam: Pose) -> list[list[float]]:
    """The rows that `parse_opengl_matrix` reads."""
    rows: list[list[float]] = (_matrix(T_world_cam) * OPENGL_FROM_OPENCV).tolist()
    return rows


def parse_colmap_pose(fields: Sequence[str | float], where: str) -> Pose:
    """``qw qx qy qz tx ty tz`` of a COLMAP image -> T_world_cam."""
    return _pose_from_world_to_camera(fields, where)


def colmap_pose(T_world_cam: Pose) -> list[float]:
    """The seven numbers that `parse_colmap_pose` reads."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    return [*q.tolist(), *t.tolist()]


def parse_aerial_row(row: Mapping[str, str], where: str) -> Pose:
    """The ``T_cam_world_*`` columns of one row of an aerial ``frames.csv`` -> T_world_cam."""
    return _pose_from_world_to_camera([row[column] for column in AERIAL_POSE_COLUMNS], where)


def write_poses(path: Path, names: Sequence[str], T_world_cam: Pose) -> None:
    """Write poses t (N, 3), q (N, 4) as lines ``name qw qx qy qz tx ty tz``, world-to-camera."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    lines = [POSE_TEXT_HEADER, *map(_line, names, q, t)]
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


def _pose_from_world_to_camera(fields: Sequence[str | float], where: str) -> Pose:
    """Seven fields ``qw qx qy qz tx ty tz`` of T_cam_world -> T_world_cam."""
    q_and_t = numbers(fields, where)
    return Pose(*invert(q_and_t[4:], _unit_quaternion(q_and_t[:4], where)))


def _pose_from_matrix(
    rows: Sequence[Sequence[str | float]], where: str, flip: torch.Tensor | int = 1
) -> Pose:
    """Four rows of a camera-to-world matrix, its columns times ``flip`` -> T_world_cam."""
    matrix = (numbers([field for row in rows for field in row], where).reshape(4, 4) * flip).numpy()
    if not np.allclose(matrix[3], [0, 0, 0, 1], rtol=0, atol=1e-6):
        raise InputError(
            f"{where}: expected the last row 0 0 0 1, found {_row(matrix[3])}; replace the file"
        )
    return Pose(torch.from_numpy(matrix[:3, 3].copy()), _nearest_quaternion(matrix[:3, :3], where))


def _matrix(T_world_cam: Pose) -> torch.Tensor:
    """T_world_cam as a float64 matrix (4, 4)."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = quaternion_to_rotation_matrix(T_world_cam.q.double())
    matrix[:3, 3] = T_world_cam.t
    return matrix


def numbers(fields: Sequence[str | float], where: str) -> torch.Tensor:
    """Fields of a file -> finite float64 tensor (N,)."""
    try:
        found = torch.tensor([float(field) for field in fields], dtype=torch.float64)
    except (TypeError, ValueError):  # TypeError: csv gives None where a row is too short
        raise InputError(
            f"{where}: expected numbers, found `{_row(fields)}`; correct the line"
        ) from None
    if not found.isfinite().all():
        raise InputError(
            f"{where}: expected finite numbers, found `{_row(fields)}`; correct or "
            "exclude the frame"
        )
    return found


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


def _line(name: str, *parts: torch.Tensor) -> str:
    """A name and numbers, in full."""
    return _row([name, *(number for part in parts for number in part.tolist())])


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
