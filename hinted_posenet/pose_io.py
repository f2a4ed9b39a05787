"""The only place that knows foreign pose conventions; every pose returned is a float64 T_world_cam.

| format            | translation                    | rotation                        |
|-------------------|--------------------------------|---------------------------------|
| Cambridge line    | camera centre in the world     | world-to-camera quaternion wxyz |
| 7-Scenes 4x4 text | camera-to-world                | camera-to-world                 |
| 7-Scenes, SfM     | world-to-camera                | world-to-camera quaternion wxyz |
| aerial CSV row    | T_cam_world (world-to-camera)  | world-to-camera quaternion wxyz |
| our pose text     | world-to-camera, as COLMAP     | world-to-camera quaternion wxyz |
| COLMAP image      | world-to-camera                | world-to-camera quaternion wxyz |
| NVM camera        | camera centre in the world     | world-to-camera quaternion wxyz |
| transforms.json   | camera-to-world 4x4            | camera-to-world; OpenGL's axes  |
| TUM line          | camera-to-world                | camera-to-world quaternion xyzw |
| CSV row           | either, its columns say which  | the same, quaternion wxyz       |

``where`` is the file and line that an error message begins with. Files state rotations that are none to the
last digit; ours are, and `StatedPose` tells how far they were moved. Numbers are written in full, so that
float64 survives a round trip: 50 km is told to 1e-11 m.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from numpy.typing import NDArray

from hinted_posenet.geometry import invert, quaternion_inverse
from hinted_posenet.stated_pose import (
    SAME_CAMERA,
    StatedPose,
    check_fields,
    numbers,
    poses_from_matrices,
    row_text,
    unit_quaternion,
)
from hinted_posenet.types import InputError, Pose
from hinted_posenet.whole_file import write_text

T_OPENGL_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])  # axes of a camera
POSE_TEXT_HEADER = (
    "# name qw qx qy qz tx ty tz  (T_cam_world: world-to-camera as in COLMAP, metres)"
)
AERIAL_POSE_COLUMNS = tuple(
    f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz")
)
CSV_POSE_COLUMNS = tuple(
    column.replace("T_cam_world", "T_world_cam") for column in AERIAL_POSE_COLUMNS
)


def parse_cambridge_line(line: str, where: str) -> tuple[str, StatedPose]:
    """One label ``name X Y Z W P Q R`` of Cambridge Landmarks -> (name, pose).

    Its convention is mixed: X Y Z is the camera centre, W P Q R the world-to-camera rotation.
    """
    fields = line.split()
    check_fields(fields, "name X Y Z W P Q R", where)
    centre_and_q = numbers(fields[1:], where)
    q_cam_world, error = unit_quaternion(centre_and_q[3:], where)
    pose = Pose(centre_and_q[:3], quaternion_inverse(q_cam_world))
    return fields[0], StatedPose(pose, error)


def cambridge_line(name: str, T_world_cam: Pose) -> str:
    """The label that `parse_cambridge_line` reads."""
    return _line(name, T_world_cam.t, quaternion_inverse(T_world_cam.q))


def nvm_line(name: str, focal_px: float, T_world_cam: Pose) -> str:
    """A camera of a VisualSFM model: ``name focal qw qx qy qz cx cy cz k1 0``, without distortion."""
    focal = torch.tensor([focal_px], dtype=torch.float64)
    return _line(name, focal, quaternion_inverse(T_world_cam.q), T_world_cam.t, torch.zeros(2))


def parse_matrix_texts(
    texts: Sequence[str], where: Sequence[str], T_stated_cam: NDArray[np.float64] = SAME_CAMERA
) -> list[StatedPose | InputError]:
    """4x4 camera-to-world matrices as text (7-Scenes ``pose.txt``); an error in the place of what is no pose.

    Args:
        texts: of N cameras.
        where: N files.
        T_stated_cam: (4, 4) from our camera to the one whose poses the texts are.
    """
    rows = [[line.split() for line in text.splitlines() if line.strip()] for text in texts]
    return poses_from_matrices(rows, where, T_stated_cam)


def matrix_text(T_world_cam: Pose) -> str:
    """The text that `parse_matrix_texts` reads."""
    return "".join(f"{row_text(row)}\n" for row in _matrix(T_world_cam).tolist())


def parse_opengl_matrix(matrix: object, where: str) -> StatedPose:
    """A ``transform_matrix`` of transforms.json, rows of a 4x4 list.

    It is camera-to-world of a camera as in OpenGL: x right, y up, looking along -z.
    """
    rows = (
        [row if isinstance(row, list) else [] for row in matrix] if isinstance(matrix, list) else []
    )
    (stated,) = poses_from_matrices([rows], [where], T_OPENGL_OPENCV)
    if isinstance(stated, InputError):
        raise stated
    return stated


def opengl_matrix(T_world_cam: Pose) -> list[list[float]]:
    """The rows that `parse_opengl_matrix` reads."""
    rows: list[list[float]] = (_matrix(T_world_cam).numpy() @ T_OPENGL_OPENCV).tolist()
    return rows


def parse_pseudo_ground_truth_line(line: str, where: str) -> tuple[str, StatedPose, float]:
    """One line ``name qw qx qy qz tx ty tz focal`` of the SfM poses of 7-Scenes -> (name, pose, focal in px)."""
    fields = line.rsplit(maxsplit=8)
    check_fields(fields, "name qw qx qy qz tx ty tz focal", where)
    name, *pose, focal_px = fields
    return name, parse_colmap_pose(pose, where), float(numbers([focal_px], where))


def parse_colmap_pose(fields: Sequence[str | float], where: str) -> StatedPose:
    """``qw qx qy qz tx ty tz`` of a COLMAP image, and of all others that are world-to-camera."""
    q_and_t = numbers(fields, where)
    q_cam_world, error = unit_quaternion(q_and_t[:4], where)
    return StatedPose(Pose(*invert(q_and_t[4:], q_cam_world)), error)


def colmap_pose(T_world_cam: Pose) -> list[float]:
    """The seven numbers that `parse_colmap_pose` reads."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    return [*q.tolist(), *t.tolist()]


def parse_tum_pose(fields: Sequence[str | float], where: str) -> StatedPose:
    """``tx ty tz qx qy qz qw`` of a line of a TUM trajectory, after its time."""
    check_fields(["timestamp", *fields], "timestamp tx ty tz qx qy qz qw", where)
    t_and_q = numbers(fields, where)
    q, error = unit_quaternion(t_and_q[[6, 3, 4, 5]], where)
    return StatedPose(Pose(t_and_q[:3], q), error)


def parse_csv_pose(row: Mapping[str, str], where: str) -> StatedPose:
    """The ``T_world_cam_*`` or the ``T_cam_world_*`` columns of a row of a ``frames.csv``."""
    if CSV_POSE_COLUMNS[0] not in row:
        return parse_colmap_pose([row[column] for column in AERIAL_POSE_COLUMNS], where)
    q_and_t = numbers([row[column] for column in CSV_POSE_COLUMNS], where)
    q, error = unit_quaternion(q_and_t[:4], where)
    return StatedPose(Pose(q_and_t[4:], q), error)


def csv_pose(T_world_cam: Pose) -> list[float]:
    """The numbers of the ``T_world_cam_*`` columns."""
    return [*T_world_cam.q.tolist(), *T_world_cam.t.tolist()]


def write_poses(path: Path, names: Sequence[str], T_world_cam: Pose) -> None:
    """Write poses t (N, 3), q (N, 4) as lines ``name qw qx qy qz tx ty tz``, world-to-camera."""
    t, q = invert(T_world_cam.t.double(), T_world_cam.q.double())
    lines = [POSE_TEXT_HEADER, *map(_line, names, q, t)]
    write_text(path, "\n".join(lines) + "\n")


def _matrix(T_world_cam: Pose) -> torch.Tensor:
    """T_world_cam as a float64 matrix (4, 4)."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = quaternion_to_rotation_matrix(T_world_cam.q.double())
    matrix[:3, 3] = T_world_cam.t
    return matrix


def _line(name: str, *parts: torch.Tensor) -> str:
    """A name and numbers, in full."""
    return row_text([name, *(number for part in parts for number in part.tolist())])
