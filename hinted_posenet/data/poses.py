"""The pose conventions of all formats: every one is read into, and written from, float64 T_world_cam."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from numpy.typing import NDArray
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text
from hinted_posenet.core.geometry import invert, quaternion_inverse, quaternion_product
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.aerial_layout import POSE_COLUMNS as AERIAL_POSE_COLUMNS

QUATERNION_NORM_RANGE = (0.4, 2.5)  # published labels (Cambridge Street) reach 2.01
AXES_TOLERANCE = 0.005  # of the length of axes, above which they are scaled
ORTHONORMAL_TOLERANCE = 0.02  # of R^T R against I; real 7-Scenes files are off by 2e-4
SAME_CAMERA: NDArray[np.float64] = np.eye(4)
T_OPENGL_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])  # axes of a camera
CSV_POSE_COLUMNS = [column.replace("T_cam_world", "T_world_cam") for column in AERIAL_POSE_COLUMNS]
POSE_TEXT_HEADER = (
    "# name qw qx qy qz tx ty tz  (T_cam_world: world-to-camera as in COLMAP, metres)"
)

# standard deviations along the world's axes, and of small rotations about them
AXES = ("x", "y", "z", "rx", "ry", "rz")
SIGMA_COLUMNS = [f"sigma_{axis}_{'deg' if axis.startswith('r') else 'm'}" for axis in AXES]

Rows = Sequence[Sequence[str | float]]


class ValidatedPose(NamedTuple):
    """A pose as a file states it."""

    T_world_cam: Pose  # float64, (3,) and (4,); its rotation is exact
    rotation_error: float  # of the file's rotation: | |q| - 1 |, or max |R^T R - I|
    scale: float = 1.0  # of the axes of the file's matrix, which was removed


def check_fields(fields: Sequence[object], names: str, where: str) -> None:
    """Refuse a line of a file that has more or fewer fields than the space-separated ``names``."""
    count = len(names.split())
    if len(fields) != count:
        raise InputError(
            f"{where}: expected {count} fields `{names}`, found {len(fields)}; correct the line"
        )


def numbers(fields: Sequence[str | float], where: str) -> torch.Tensor:
    """Convert fields of a file to a finite float64 tensor (N,)."""
    try:
        found = torch.tensor([float(field) for field in fields], dtype=torch.float64)
    except (TypeError, ValueError, OverflowError):  # a list, no digits, 400 digits
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
    """Normalize a quaternion (4,), and return it with | |q| - 1 |; refuse one that is far from a rotation."""
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
    scaled: bool = False,
) -> list[ValidatedPose | InputError]:
    """Convert N cameras' rows of 4x4 matrices T_world_stated to poses T_world_cam.

    All are converted at once, because 7-Scenes has thousands; an error takes the place of a matrix that is not
    a rigid motion. ``T_stated_cam`` (4, 4) is from our camera to the one that the matrices describe. Where axes
    may be ``scaled``, all three alike, the scale is removed and kept in the result.
    """
    if not matrices:
        return []
    parsed = list(map(_parse_matrix, matrices, where))
    T = np.stack([np.eye(4) if isinstance(m, InputError) else m for m in parsed])
    R = T[:, :3, :3]
    with np.errstate(all="ignore"):  # numbers near the largest, which are not a rotation either
        scales = np.cbrt(np.linalg.det(R)) if scaled else np.ones(len(R))
        scales = np.where((scales > 0) & (np.abs(scales - 1) > AXES_TOLERANCE), scales, 1.0)
        R = R / scales[:, None, None]
        rotation_errors = np.abs(R.transpose(0, 2, 1) @ R - np.eye(3)).max((1, 2))
        determinants = np.linalg.det(R)
        is_rotation = (rotation_errors <= ORTHONORMAL_TOLERANCE) & (determinants > 0)
    U, _, Vt = np.linalg.svd(np.where(is_rotation[:, None, None], R, np.eye(3)))  # nearest: U Vt
    R = U @ Vt
    t = torch.from_numpy(R @ T_stated_cam[:3, 3] + T[:, :3, 3])
    q = rotation_matrix_to_quaternion(torch.from_numpy(R @ T_stated_cam[:3, :3]))
    poses = map(Pose, t.unbind(), normalize(q, dim=1).unbind())
    found: list[ValidatedPose | InputError] = []
    for i, (pose, error) in enumerate(zip(poses, rotation_errors.tolist(), strict=True)):
        refused = parsed[i]
        if isinstance(refused, InputError):
            found.append(refused)
        elif is_rotation[i]:
            found.append(ValidatedPose(pose, error, float(scales[i])))
        else:
            message = (
                f"{where[i]}: the upper left 3x3 block is not a rotation (R^T R is off by {error:.2g}, "
                f"det {determinants[i]:.3g}); correct or exclude the frame"
            )
            found.append(InputError(message))
    return found


def row_text(fields: Sequence[object]) -> str:
    """Join fields with spaces."""
    return " ".join(map(str, fields))


def _parse_matrix(rows: Rows, where: str) -> NDArray[np.float64] | InputError:
    """Convert rows to a finite matrix (4, 4) whose last row is 0 0 0 1, or say why they are not one."""
    if [len(row) for row in rows] != [4, 4, 4, 4]:
        found = [len(row) for row in rows]
        return InputError(f"{where}: expected 4 rows of 4 numbers, found {found}; replace it")
    try:
        matrix = numbers([field for row in rows for field in row], where).reshape(4, 4).numpy()
    except InputError as error:
        return error
    if np.abs(matrix[3] - [0, 0, 0, 1]).max() >= 1e-6:
        last_row = row_text(matrix[3].tolist())
        return InputError(f"{where}: expected the last row 0 0 0 1, found {last_row}; replace it")
    return matrix


def parse_cambridge_line(line: str, where: str) -> tuple[str, ValidatedPose]:
    """Parse a label ``name X Y Z W P Q R`` of Cambridge Landmarks -> (name, pose).

    Its convention is mixed: X Y Z is the camera center, W P Q R the world-to-camera rotation.
    """
    fields = line.split()
    check_fields(fields, "name X Y Z W P Q R", where)
    center_and_q = numbers(fields[1:], where)
    q_cam_world, error = unit_quaternion(center_and_q[3:], where)
    return fields[0], ValidatedPose(Pose(center_and_q[:3], quaternion_inverse(q_cam_world)), error)


def cambridge_line(name: str, T_world_cam: Pose) -> str:
    """Format the label that `parse_cambridge_line` reads."""
    return _line(name, T_world_cam.t, quaternion_inverse(T_world_cam.q))


def nvm_line(name: str, focal_px: float, T_world_cam: Pose) -> str:
    """Format a camera of a VisualSFM model: ``name focal qw qx qy qz cx cy cz k1 0``, without distortion."""
    focal = torch.tensor([focal_px], dtype=torch.float64)
    return _line(name, focal, quaternion_inverse(T_world_cam.q), T_world_cam.t, torch.zeros(2))


def parse_matrix_texts(
    texts: Sequence[str], where: Sequence[str], T_stated_cam: NDArray[np.float64] = SAME_CAMERA
) -> list[ValidatedPose | InputError]:
    """Parse 4x4 camera-to-world matrices as text (7-Scenes ``pose.txt``), see `poses_from_matrices`."""
    rows = [[line.split() for line in text.splitlines() if line.strip()] for text in texts]
    return poses_from_matrices(rows, where, T_stated_cam)


def matrix_text(T_world_cam: Pose) -> str:
    """Format the text that `parse_matrix_texts` reads."""
    return "".join(f"{row_text(row)}\n" for row in _matrix(T_world_cam).tolist())


def parse_opengl_matrix(matrix: object, where: str, scaled: bool = False) -> ValidatedPose:
    """Parse a ``transform_matrix`` of transforms.json, a 4x4 or 3x4 list of rows.

    It is camera-to-world of a camera as in OpenGL: x right, y up, looking along -z. Where axes
    may be ``scaled``, as those of an object in Blender, see `poses_from_matrices`.
    """
    listed = matrix if isinstance(matrix, list) else []
    rows = [row if isinstance(row, list) else [] for row in listed]
    if len(rows) == 3:
        rows.append([0, 0, 0, 1])
    (stated,) = poses_from_matrices([rows], [where], T_OPENGL_OPENCV, scaled)
    if isinstance(stated, InputError):
        raise stated
    return stated


def opengl_matrix(T_world_cam: Pose) -> list[list[float]]:
    """Return the rows that `parse_opengl_matrix` reads."""
    rows: list[list[float]] = (_matrix(T_world_cam).numpy() @ T_OPENGL_OPENCV).tolist()
    return rows


def parse_pseudo_ground_truth_line(line: str, where: str) -> tuple[str, ValidatedPose, float]:
    """Parse ``name qw qx qy qz tx ty tz focal`` of the SfM poses of 7-Scenes -> (name, pose, focal in px)."""
    fields = line.rsplit(maxsplit=8)
    check_fields(fields, "name qw qx qy qz tx ty tz focal", where)
    name, *pose, focal_px = fields
    return name, parse_colmap_pose(pose, where), float(numbers([focal_px], where))


def parse_colmap_pose(fields: Sequence[str | float], where: str) -> ValidatedPose:
    """Parse ``qw qx qy qz tx ty tz`` of a COLMAP image, and of every other format that is world-to-camera."""
    q_and_t = numbers(fields, where)
    q_cam_world, error = unit_quaternion(q_and_t[:4], where)
    return ValidatedPose(Pose(*invert(q_and_t[4:], q_cam_world)), error)


def colmap_pose(T_world_cam: Pose) -> list[float]:
    """Return the seven numbers that `parse_colmap_pose` reads."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    return [*q.tolist(), *t.tolist()]


def parse_tum_pose(fields: Sequence[str | float], where: str) -> ValidatedPose:
    """Parse ``tx ty tz qx qy qz qw`` of a line of a TUM trajectory, which follows its time."""
    check_fields(["timestamp", *fields], "timestamp tx ty tz qx qy qz qw", where)
    t_and_q = numbers(fields, where)
    q, error = unit_quaternion(t_and_q[[6, 3, 4, 5]], where)
    return ValidatedPose(Pose(t_and_q[:3], q), error)


def parse_arkit_pose(fields: Sequence[str | float], where: str) -> ValidatedPose:
    """Parse ``qx qy qz qw tx ty tz`` of Record3D: camera-to-world, axes of the camera as in OpenGL."""
    q_and_t = numbers(fields, where)
    q, error = unit_quaternion(q_and_t[[3, 0, 1, 2]], where)
    half_turn_x = q.new_tensor([0.0, 1.0, 0.0, 0.0])  # from OpenGL's axes to OpenCV's
    return ValidatedPose(Pose(q_and_t[4:], quaternion_product(q, half_turn_x)), error)


def parse_csv_pose(row: Mapping[str, str], where: str) -> ValidatedPose:
    """Parse the ``T_world_cam_*`` or the ``T_cam_world_*`` columns of a row of a ``frames.csv``."""
    if CSV_POSE_COLUMNS[0] not in row:
        return parse_colmap_pose([row[column] for column in AERIAL_POSE_COLUMNS], where)
    q_and_t = numbers([row[column] for column in CSV_POSE_COLUMNS], where)
    q, error = unit_quaternion(q_and_t[:4], where)
    return ValidatedPose(Pose(q_and_t[4:], q), error)


def csv_pose(T_world_cam: Pose) -> list[float]:
    """Return the numbers of the ``T_world_cam_*`` columns."""
    return [*T_world_cam.q.tolist(), *T_world_cam.t.tolist()]


def write_poses(path: Path, names: Sequence[str], T_world_cam: Pose) -> None:
    """Write poses t (N, 3), q (N, 4) as lines ``name qw qx qy qz tx ty tz``, world-to-camera."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    lines = [POSE_TEXT_HEADER, *map(_line, names, q, t)]
    write_text(path, "\n".join(lines) + "\n")


def _matrix(T_world_cam: Pose) -> torch.Tensor:
    """Return T_world_cam as a float64 matrix (4, 4)."""
    return Pose(T_world_cam.t.double(), T_world_cam.q.double()).matrix()


def _line(name: str, *parts: torch.Tensor) -> str:
    """Join a name and numbers at full precision."""
    return row_text([name, *(number for part in parts for number in part.tolist())])
