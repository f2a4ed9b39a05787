"""Read poses as other software writes them; every error names its line.

| format       | what is read                                                                         |
|--------------|--------------------------------------------------------------------------------------|
| text         | lines ``name qw qx qy qz tx ty tz``, world-to-camera: ours, hloc's                    |
| tum          | lines ``time tx ty tz qx qy qz qw``, camera-to-world; the time is the name           |
| csv          | a header with ``name`` and ``T_world_cam_*`` or ``T_cam_world_*`` columns            |
| seven_scenes | a folder of ``*.pose.txt``, 4x4 camera-to-world matrices; the path is the name       |
| colmap       | a folder with ``images.txt`` or ``images.bin``                                       |

A pose of NaN is a failed answer, as trackers write it; anything else that is not a pose is an error. A csv may
state standard deviations along and about the world's axes: ``sigma_x_m sigma_y_m sigma_z_m sigma_rx_deg
sigma_ry_deg sigma_rz_deg``, as `predict` writes them. One without a column or a number is not known.
"""

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Pose, stack_poses
from hinted_posenet.data.formats.colmap import read_model
from hinted_posenet.data.poses import (
    CSV_POSE_COLUMNS,
    QUATERNION_NORM_RANGE,
    SIGMA_COLUMNS,
    parse_matrix_texts,
)
from hinted_posenet.simulator.aerial_layout import POSE_COLUMNS as AERIAL_POSE_COLUMNS

SHOWN = 5  # errors that a message lists in full
MATRIX = ".pose.txt"
COLUMNS = {"text": "name qw qx qy qz tx ty tz", "tum": "time tx ty tz qx qy qz qw"}
FAILED = Pose(torch.full((3,), torch.nan).double(), torch.full((4,), torch.nan).double())


class PosesFile(NamedTuple):
    """N poses, each with the place where it was read."""

    format: str
    names: list[str]
    where: list[str]  # file and line
    T_world_cam: Pose  # (N,) float64; NaN where a method failed
    covariance: Tensor | None = None  # (N, 6, 6) as stated, see `Hint`; None: no column states any

    @property
    def failed(self) -> list[int]:
        """Rows whose pose is NaN."""
        return torch.cat(self.T_world_cam, dim=1).isnan().any(dim=1).nonzero()[:, 0].tolist()


Row = tuple[str, str, Sequence[str]]  # where it stands, name, fields


def read_poses_file(path: Path, format: str | None = None) -> PosesFile:
    """Read poses; the format is recognized if it is not given.

    Raises:
        InputError: It lists up to five errors: wrong column counts, invalid numbers or rotations, and
            duplicate names.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    format = format or recognise_format(path)
    found = _READERS[format](path)
    if not found.names:
        raise InputError(f"{path}: no poses; expected {format}, see docs/evaluation.md")
    seen: dict[str, str] = {}
    refuse(
        [
            f"{where}: {name} is already in {seen[name].rpartition('/')[2]}; remove one"
            for name, where in zip(found.names, found.where, strict=True)
            if seen.setdefault(name, where) is not where
        ]
    )
    return found


def recognise_format(path: Path) -> str:
    """Return the format, by the content of a folder or the first line of a file."""
    if path.is_dir():
        if any((path / name).is_file() for name in ("images.txt", "images.bin")):
            return "colmap"
        if next(path.rglob(f"*{MATRIX}"), None):
            return "seven_scenes"
        raise InputError(f"{path}: expected images.txt, images.bin or *{MATRIX} in the folder")
    first = next((line for line in _lines(path) if line.strip() and line[0] != "#"), "")
    if path.suffix == ".csv" or "T_world_cam_" in first or "T_cam_world_" in first:
        return "csv"
    fields = first.split()
    if path.name == "images.txt" or len(fields) == 10:
        return "colmap"
    return "tum" if len(fields) == 8 and _is_number(fields[0]) else "text"


def refuse(mistakes: Sequence[str]) -> None:
    """Raise an InputError that lists the first errors, if there are any."""
    if mistakes:
        more = f"\n... and {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
        raise InputError("\n".join(mistakes[:SHOWN]) + more)


def _read_lines(format: str, path: Path) -> PosesFile:
    """Read the lines of a text file or of a TUM trajectory."""

    def rows() -> Iterator[Row]:
        for number, line in enumerate(_lines(path), start=1):
            if line.strip() and not line.startswith("#"):
                # a name may contain spaces, a time does not
                name, *fields = line.rsplit(maxsplit=7) if format == "text" else line.split()
                yield f"{path} line {number}", name, fields

    return _from_rows(format, rows())


def _read_csv(path: Path) -> PosesFile:
    reader = csv.DictReader(_lines(path))
    header = reader.fieldnames or []
    columns = CSV_POSE_COLUMNS if CSV_POSE_COLUMNS[0] in header else AERIAL_POSE_COLUMNS
    missing = [column for column in ("name", *columns) if column not in header]
    if missing:
        raise InputError(f"{path} line 1: no column {', '.join(missing)}; add it")

    stated: list[list[str]] = []

    def rows() -> Iterator[Row]:
        for row in reader:
            where = f"{path} line {reader.line_num}"
            if None in row or None in row.values():
                raise InputError(f"{where}: expected {len(header)} fields; correct the line")
            stated.append([row.get(column, "") for column in SIGMA_COLUMNS])
            yield where, row["name"], [row[column] for column in columns]

    found = _from_rows("csv" if columns is CSV_POSE_COLUMNS else "text", rows())
    has_sigmas = not set(SIGMA_COLUMNS).isdisjoint(header)
    return found._replace(covariance=_covariance(found, stated)) if has_sigmas else found


def _covariance(found: PosesFile, stated: Sequence[Sequence[str]]) -> Tensor:
    """Return diagonal covariances (N, 6, 6) of the texts of standard deviations in metres and degrees."""
    rows = zip(found.where, stated, strict=True)
    refuse(
        [
            f"{where}: {SIGMA_COLUMNS[axis]} is `{text}`, expected a number above 0; correct or empty it"
            for where, texts in rows
            for axis, text in enumerate(texts)
            if text and not (_is_number(text) and not float(text) <= 0)
        ]
    )
    sigma = torch.tensor([[float(text or "inf") for text in texts] for texts in stated]).double()
    sigma[:, 3:] = sigma[:, 3:].deg2rad()
    return sigma.nan_to_num(nan=torch.inf, posinf=torch.inf).square().diag_embed()


def _read_matrices(path: Path) -> PosesFile:
    files = sorted(path.rglob(f"*{MATRIX}"))
    if not files:
        raise InputError(f"{path}: expected *{MATRIX} in the folder")
    where = [str(file) for file in files]
    texts = [file.read_text(encoding="utf-8") for file in files]
    found = parse_matrix_texts(texts, where)
    refuse(
        [
            str(stated)
            for text, stated in zip(texts, found, strict=True)
            if isinstance(stated, InputError) and "nan" not in text.lower()
        ]
    )
    names = [file.relative_to(path).as_posix().removesuffix(MATRIX) for file in files]
    poses = [FAILED if isinstance(pose, InputError) else pose.T_world_cam for pose in found]
    return PosesFile("seven_scenes", names, where, stack_poses(poses))


def _read_colmap(path: Path) -> PosesFile:
    _, images = read_model(path if path.is_dir() else path.parent, None)
    if not images:
        raise InputError(f"{path}: no poses; expected those of images.txt or images.bin")
    poses = stack_poses(image.stated.T_world_cam for image in images.values())
    return PosesFile("colmap", list(images), [image.where for image in images.values()], poses)


def _from_rows(format: str, rows: Iterable[Row]) -> PosesFile:
    """Convert all rows at once, since there may be 100,000.

    The format gives the order: text qw qx qy qz tx ty tz of T_cam_world, tum tx ty tz qx qy qz qw and csv
    qw qx qy qz tx ty tz of T_world_cam.
    """
    names, places, mistakes, flat = list[str](), list[str](), list[str](), array("d")
    for where, name, fields in rows:
        names.append(name)
        places.append(where)
        if len(fields) != 7:
            expected = f"expected 8 fields `{COLUMNS[format]}`"
            mistakes.append(f"{where}: {expected}, found {len(fields) + 1}")
        elif not all(map(_is_number, fields)):
            mistakes.append(f"{where}: expected numbers, found `{' '.join(fields)}`")
        else:
            flat.extend(map(float, fields))
    refuse(mistakes)
    numbers = np.array(flat).reshape(-1, 7)
    quaternion = numbers[:, [6, 3, 4, 5]] if format == "tum" else numbers[:, :4]
    t = numbers[:, :3] if format == "tum" else numbers[:, 4:]
    norm = np.linalg.norm(quaternion, axis=1)
    low, high = QUATERNION_NORM_RANGE
    wrong = (norm < low) | (norm > high) | np.isinf(numbers).any(axis=1)
    refuse(
        [
            f"{places[i]}: quaternion of norm {norm[i]:.3g}, expected about 1; correct the line, or write "
            "nan for a failed answer"
            for i in np.flatnonzero(wrong).tolist()
        ]
    )
    pose = Pose(torch.from_numpy(t.copy()), torch.from_numpy(quaternion / norm[:, None]))
    if format == "text":
        pose = Pose(*invert(*pose))
    return PosesFile(format, names, places, pose)


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected a text file") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_READERS: dict[str, Callable[[Path], PosesFile]] = {
    "text": partial(_read_lines, "text"),
    "tum": partial(_read_lines, "tum"),
    "csv": _read_csv,
    "seven_scenes": _read_matrices,
    "colmap": _read_colmap,
}
