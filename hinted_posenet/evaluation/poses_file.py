"""Read poses as other software writes them; every error names its line.

| format       | what is read                                                                   |
|--------------|--------------------------------------------------------------------------------|
| text         | lines of a name and a world-to-camera pose: ours, hloc's, ACE's                |
| tum, euroc   | trajectories: lines of a time and a camera-to-world pose                       |
| kitti        | lines of a camera-to-world matrix; the number of the line, from 0, is the name |
| csv          | a header with ``name`` and ``T_world_cam_*`` or ``T_cam_world_*`` columns      |
| seven_scenes | a folder of ``*.pose.txt``, 4x4 camera-to-world matrices; the path is the name |
| colmap       | a folder with ``images.txt`` or ``images.bin``                                 |

For lines see `pose_lines`. A pose of NaN is a failed answer, as trackers write it; anything else that is not a
pose is an error. A csv may state standard deviations along and about the world's axes: ``sigma_x_m sigma_y_m
sigma_z_m sigma_rx_deg sigma_ry_deg sigma_rz_deg``, as `predict` writes them. One without a column or a number is
not known.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_row, read_table, read_text
from hinted_posenet.core.types import stack_poses
from hinted_posenet.data.formats.colmap import read_model
from hinted_posenet.data.poses import CSV_POSE_COLUMNS, SIGMA_COLUMNS, parse_matrix_texts
from hinted_posenet.evaluation.pose_lines import (
    WITH_NAMES,
    Lines,
    read_kitti,
    read_lines_of,
    read_named,
    read_trajectory,
    recognise_lines,
)
from hinted_posenet.evaluation.pose_rows import (
    PosesFile,
    Row,
    floats,
    from_matrices,
    from_rows,
    refuse,
)
from hinted_posenet.simulator.aerial_layout import POSE_COLUMNS as AERIAL_POSE_COLUMNS

MATRIX = ".pose.txt"


def read_poses_file(path: Path, format: str | None = None, is_truth: bool = False) -> PosesFile:
    """Read poses; the format is recognized if it is not given.

    A name or a time that is there twice is refused, but for times of a trajectory that is the truth: published
    ones have such, and the first of the poses is taken, with a note.

    Raises:
        InputError: Its first line with a wrong number of columns, invalid numbers or rotations, or a duplicate.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    lines = None if path.is_dir() or format in _WHOLE else read_lines_of(path)
    format = format or recognise_format(path, lines)
    if format in _WHOLE:
        found = _WHOLE[format](path)
    elif lines is None:
        raise InputError(f"{path}: is a folder, expected a file of format {format}; check the path")
    else:
        found = _LINES[format](lines)
    if not found.names:
        raise InputError(f"{path}: no poses; expected {format}, see docs/evaluation.md")
    keys = found.names if found.times_s is None else found.times_s.tolist()
    first: dict[str | float, str] = {}
    again = [
        row
        for row, (key, where) in enumerate(zip(keys, found.where, strict=True))
        if first.setdefault(key, where) is not where
    ]
    if again and is_truth and found.times_s is not None:
        known = set(again)
        found = found.at([row for row in range(len(keys)) if row not in known])
        note = f"{path}: {len(again)} of its times are there twice, as {keys[again[0]]}; the first pose is taken"
        return found._replace(notes=(*found.notes, note))
    before = (first[keys[row]].rpartition("/")[2] for row in again)
    refuse(
        [
            f"{found.where[row]}: {found.names[row]} is already in {line}; remove one"
            for row, line in zip(again, before, strict=True)
        ]
    )
    return found


def recognise_format(path: Path, lines: Lines | None) -> str:
    """Return the format, by the content of a folder or the lines of a file."""
    if lines is None:
        if any((path / name).is_file() for name in ("images.txt", "images.bin")):
            return "colmap"
        if next(path.rglob(f"*{MATRIX}"), None):
            return "seven_scenes"
        raise InputError(f"{path}: expected images.txt, images.bin or *{MATRIX} in the folder")
    first = lines.texts[0] if lines.texts else ""
    if any(name in first for name in WITH_NAMES):
        return "csv"
    fields = first.split()
    is_colmap = len(fields) == 10 and floats(fields[:9]) is not None and floats(fields) is None
    if path.name == "images.txt" or is_colmap:
        return "colmap"
    return recognise_lines(lines)


def _read_csv(path: Path) -> PosesFile:
    header, table = read_table(path, "see docs/evaluation.md")
    columns = CSV_POSE_COLUMNS if CSV_POSE_COLUMNS[0] in header else AERIAL_POSE_COLUMNS
    missing = [column for column in ("name", *columns) if column not in header]
    if missing:
        raise InputError(f"{path} line 1: no column {', '.join(missing)}; add it")
    rows, stated = list[Row](), list[list[str]]()
    for where, row in table:
        check_row(row, where)
        stated.append([row.get(column, "") for column in SIGMA_COLUMNS])
        rows.append((where, row["name"], [row[column] for column in columns]))
    # the latter are world-to-camera, as text is
    found = from_rows("csv" if columns is CSV_POSE_COLUMNS else "text", rows)
    has_sigmas = not set(SIGMA_COLUMNS).isdisjoint(header)
    return found._replace(
        format="csv", covariance=_covariance(found, stated) if has_sigmas else None
    )


def _covariance(found: PosesFile, stated: Sequence[Sequence[str]]) -> Tensor:
    """Return diagonal covariances (N, 6, 6) of the texts of standard deviations in metres and degrees."""
    rows = zip(found.where, stated, strict=True)
    refuse(
        [
            f"{where}: {SIGMA_COLUMNS[axis]} is `{text}`, expected a number above 0; correct or empty it"
            for where, texts in rows
            for axis, text in enumerate(texts)
            if text and not ((number := floats([text])) and not number[0] <= 0)
        ]
    )
    numbers = [[float(text or "inf") for text in texts] for texts in stated]
    sigma = torch.tensor(numbers, dtype=torch.float64).reshape(-1, len(SIGMA_COLUMNS))
    sigma[:, 3:] = sigma[:, 3:].deg2rad()
    return sigma.nan_to_num(nan=torch.inf, posinf=torch.inf).square().diag_embed()


def _read_matrices(path: Path) -> PosesFile:
    files = sorted(path.rglob(f"*{MATRIX}"))
    if not files:
        raise InputError(f"{path}: expected *{MATRIX} in the folder")
    where = [str(file) for file in files]
    texts = [read_text(file) for file in files]
    names = [file.relative_to(path).as_posix().removesuffix(MATRIX) for file in files]
    return from_matrices("seven_scenes", names, where, parse_matrix_texts(texts, where), texts)


def _read_colmap(path: Path) -> PosesFile:
    _, images = read_model(path if path.is_dir() else path.parent, None)
    if not images:
        raise InputError(f"{path}: no poses; expected those of images.txt or images.bin")
    poses = stack_poses(image.stated.T_world_cam for image in images.values())
    return PosesFile("colmap", list(images), [image.where for image in images.values()], poses)


_WHOLE: dict[str, Callable[[Path], PosesFile]] = {
    "csv": _read_csv,
    "seven_scenes": _read_matrices,
    "colmap": _read_colmap,
}
_LINES: dict[str, Callable[[Lines], PosesFile]] = {
    "text": read_named,
    "tum": partial(read_trajectory, "tum"),
    "euroc": partial(read_trajectory, "euroc"),
    "kitti": read_kitti,
}
