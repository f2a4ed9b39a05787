"""Odometry in the columns of a CSV file, which are those of priors, or in the lines of a TUM trajectory."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_row, read_table
from hinted_posenet.core.types import Pose
from hinted_posenet.data.formats.layout import numbered_lines
from hinted_posenet.data.odometry_rows import CARD, Rows
from hinted_posenet.data.poses import check_fields, row_text
from hinted_posenet.data.priors.columns import (
    COVARIANCE,
    QUATERNION,
    SIGMA_ANGLES,
    SIGMA_LEVEL,
    WORLD,
    Columns,
    find_columns,
)

TUM_LINE = "timestamp tx ty tz qx qy qz qw"
NEEDED = ("time_s", *WORLD, *QUATERNION)


def read_csv(path: Path) -> Rows:
    """Read ``time_s,x,y,z,qw,qx,qy,qz`` and perhaps sigmas or a covariance, as in files of priors."""
    names, rows = read_table(path, f"see {CARD}", spaces=False)
    columns = find_columns(names, f"{path} line 1")
    for name in NEEDED:
        if name not in names:
            raise InputError(
                f"{path} line 1: column {name} is missing; odometry needs {row_text(NEEDED)}"
            )
    stated = columns.covariance or (*columns.sigma_t, *columns.sigma_r)
    if columns.sigma_r == SIGMA_ANGLES or bool(columns.sigma_t) != bool(columns.sigma_r):
        raise InputError(
            f"{path} line 1: expected sigmas of position and rotation, such as sigma_t_m and sigma_r_deg; see "
            f"{CARD}"
        )
    where: list[str] = []
    found: list[list[float]] = []
    for place, row in rows:
        check_row(row, place)
        where.append(place)
        found.append(_numbers([row[name] for name in (*NEEDED, *stated)], place))
    table = torch.tensor(found, dtype=torch.float64).reshape(-1, len(NEEDED) + len(stated))
    covariance = _covariance(table[:, len(NEEDED) :], columns) if stated else None
    return _rows(path, where, table[:, :1], table[:, 1:4], table[:, 4:8], covariance)


def read_tum(path: Path) -> Rows:
    """Read lines ``timestamp tx ty tz qx qy qz qw``, the quaternion's w last; lines with # are comments."""
    where: list[str] = []
    found: list[list[float]] = []
    for place, line in numbered_lines(path, CARD):
        if not line.startswith("#"):
            fields = line.replace(",", " ").split()
            check_fields(fields, TUM_LINE, place)
            where.append(place)
            found.append(_numbers(fields, place))
    table = torch.tensor(found, dtype=torch.float64).reshape(-1, 8)
    return _rows(path, where, table[:, :1], table[:, 1:4], table[:, [7, 4, 5, 6]], None)


def _rows(
    path: Path, where: list[str], stamp_s: Tensor, t: Tensor, q: Tensor, covariance: Tensor | None
) -> Rows:
    """Return the rows of columns (N, 1), (N, 3) and (N, 4); a file without any is named as a whole."""
    places = where or [str(path)]
    return Rows(places.__getitem__, stamp_s.flatten(), Pose(t, q), covariance)


def _numbers(fields: Sequence[str], where: str) -> list[float]:
    """Parse fields, none of which may be empty; whether they are finite is checked for all rows at once."""
    try:
        return [float(field) for field in fields]
    except ValueError:
        raise InputError(
            f"{where}: expected numbers, found `{row_text(fields)[:200]}`; correct the line"
        ) from None


def _covariance(stated: Tensor, columns: Columns) -> Tensor:
    """Return covariances (N, 6, 6) of their upper triangles (N, 21), or of sigmas in metres, then degrees."""
    if columns.covariance:
        upper = torch.zeros(len(stated), 6, 6, dtype=torch.float64)
        rows, across = torch.triu_indices(6, 6)
        upper[:, rows, across] = stated[:, : len(COVARIANCE)]
        return upper + upper.triu(1).mT
    of_t = stated[:, : len(columns.sigma_t)]
    of_r = stated[:, len(columns.sigma_t) :] * (math.pi / 180)
    if columns.sigma_t == SIGMA_LEVEL:
        of_t = of_t[:, [0, 0, 1]]
    return torch.cat([of_t.expand(-1, 3), of_r.expand(-1, 3)], dim=1).square().diag_embed()
