"""Priors in the columns of a CSV file, or in the columns ``prior_*`` of a ``frames.csv``; see docs/priors.md."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import camera_angles, camera_rotation
from hinted_posenet.core.text import check_row, read_table
from hinted_posenet.data.poses import row_text, unit_quaternion
from hinted_posenet.data.priors.columns import (
    ABOVE,
    ANGLES,
    CARD,
    COVARIANCE,
    GEOGRAPHIC,
    KEYS,
    QUATERNION,
    SIGMA_ANGLES,
    SIGMA_LEVEL,
    Columns,
    find_columns,
)
from hinted_posenet.data.priors.reading import (
    Reading,
    angles_covariance,
    blocks,
    is_covariance,
    variances,
    without,
)

Row = Mapping[str, str]
Found = Sequence[float | None]  # the numbers of some columns; None where the field is empty


def read_csv(path: Path) -> list[Reading]:
    """Read the priors of a CSV file in the order of its lines, without those that say nothing of the pose."""
    names, rows = read_table(path, f"see {CARD}", spaces=False)
    columns = find_columns(names, f"{path} line 1")
    if not any(key in names for key in KEYS):
        raise InputError(f"{path} line 1: expected a column name or time_s; see {CARD}")
    readings = []
    for where, row in rows:
        check_row(row, where)
        reading = parse_row(row, columns, where)
        if reading is not None:
            readings.append(reading)
    return readings


def parse_row(row: Row, columns: Columns, where: str) -> Reading | None:
    """Parse the prior of a row, whose keys have no prefix; None where it says nothing of the pose."""
    position = _numbers(row, columns.position, where) or [None] * 3
    rotation = _numbers(row, columns.rotation, where)
    if all(number is None for number in (*position, *rotation)):
        return None
    first, second, third = (number is None for number in position)
    geographic = columns.position == GEOGRAPHIC
    if geographic and first != second:
        raise InputError(f"{where}: expected latitude and longitude, or neither of them")
    q = _rotation(columns.rotation, rotation, where)
    if columns.covariance:
        covariance = _full_covariance(row, where)
    else:
        turns = _turns(row, columns, rotation, q, where)
        covariance = blocks(_spread(row, columns, where), turns)
    # which of x, y, z; latitude and longitude are known together
    empty = torch.tensor([first, second, third, *_empty_turns(columns, rotation, q)])
    (time_s,) = _numbers(row, ("time_s",), where)
    if time_s is not None and not math.isfinite(time_s):
        raise InputError(f"{where}: time_s is {time_s:g}, expected seconds; correct it")
    numbers = [math.nan if number is None else number for number in position]
    return Reading(
        where=where,
        name=row.get("name") or None,
        time_s=time_s,
        position=torch.tensor(numbers, dtype=torch.float64),
        geographic=geographic,
        altitude_above=row.get(ABOVE) or None,
        q=q,
        covariance=without(covariance, empty),
    )


def _rotation(columns: Sequence[str], found: Found, where: str) -> Tensor | None:
    """Return q (4,) of the numbers of a rotation; an angle that is not known is 0."""
    if all(number is None for number in found):
        return None
    if columns == ANGLES:
        return camera_rotation(*(angle or 0.0 for angle in found))
    numbers = [number for number in found if number is not None]
    if len(numbers) < len(QUATERNION):
        raise InputError(f"{where}: expected all of {row_text(QUATERNION)}, or none of them")
    return unit_quaternion(torch.tensor(numbers, dtype=torch.float64), where)[0]


def _empty_turns(columns: Columns, rotation: Found, q: Tensor | None) -> list[bool]:
    """Return about which axes of the world nothing is known, as far as no column of sigmas says it."""
    if q is None or columns.rotation != ANGLES or columns.sigma_r or columns.covariance:
        return [q is None] * 3
    heading, pitch, roll = (number is None for number in rotation)
    return [pitch or roll, pitch or roll, heading]


def _full_covariance(row: Row, where: str) -> Tensor:
    """Return the covariance (6, 6) of its upper triangle; an empty variance is infinite, others are 0."""
    upper = torch.zeros(6, 6, dtype=torch.float64)
    found = [math.nan if number is None else number for number in _numbers(row, COVARIANCE, where)]
    upper[*torch.triu_indices(6, 6)] = torch.tensor(found, dtype=torch.float64)
    unknown = upper.diagonal().isnan() | upper.diagonal().isinf()
    upper = upper.nan_to_num(nan=0.0)
    covariance = without(upper + upper.triu(1).T, unknown)
    if not is_covariance(covariance):
        raise InputError(f"{where}: the covariance is not positive definite; correct the line")
    return covariance


def _spread(row: Row, columns: Columns, where: str) -> Tensor | None:
    """Return the covariance (3, 3) of the position; None where no column states it."""
    sigmas = _sigmas(row, columns.sigma_t, where)
    if columns.sigma_t == SIGMA_LEVEL:
        horizontal, vertical = sigmas
        sigmas = [horizontal, horizontal, vertical]
    return variances(sigmas * 3 if len(sigmas) == 1 else sigmas) if sigmas else None


def _turns(
    row: Row, columns: Columns, rotation: Found, q: Tensor | None, where: str
) -> Tensor | None:
    """Return the covariance (3, 3) of the rotation; None where no column states it."""
    sigmas_deg = _sigmas(row, columns.sigma_r, where)
    if not sigmas_deg or q is None:
        return None
    empty = [number is None for number in rotation[:3]]
    if columns.sigma_r == SIGMA_ANGLES:
        heading, pitch, _ = camera_angles(q)
        stated = [math.inf if gap else s for gap, s in zip(empty, sigmas_deg, strict=True)]
        return angles_covariance(float(heading), float(pitch), stated)
    sigmas = [math.radians(sigma) for sigma in sigmas_deg]
    level, turned = empty[1] or empty[2], empty[0]
    covariance = variances(sigmas * 3 if len(sigmas) == 1 else sigmas)
    return without(covariance, torch.tensor([level, level, turned]))


def _sigmas(row: Row, columns: Sequence[str], where: str) -> list[float]:
    """Parse standard deviations, of which an empty one is infinite."""
    found = [math.inf if sigma is None else sigma for sigma in _numbers(row, columns, where)]
    for name, sigma in zip(columns, found, strict=True):
        if not sigma > 0:
            raise InputError(
                f"{where}: {name} is {sigma:g}, expected a standard deviation above 0, or an empty "
                "field where nothing is known"
            )
    return found


def _numbers(row: Row, columns: Sequence[str], where: str) -> list[float | None]:
    """Parse the fields of columns, which may be missing; an empty one is None."""
    found: list[float | None] = []
    for name in columns:
        text = (row.get(name) or "").strip()
        try:
            found.append(float(text) if text else None)
        except ValueError:
            raise InputError(f"{where}: {name} is {text!r}, expected a number") from None
    return found
