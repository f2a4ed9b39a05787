"""The poses of a file, checked: what all formats have in common."""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.types import Pose, stack_poses
from hinted_posenet.data.formats.layout import check_name
from hinted_posenet.data.poses import QUATERNION_NORM_RANGE, ValidatedPose
from hinted_posenet.evaluation.frames_file import Floats

FAILED = Pose(torch.full((3,), torch.nan).double(), torch.full((4,), torch.nan).double())
FIX = "correct the line, or write nan for a failed answer"

Row = tuple[str, str, Sequence[str]]  # where it stands, name, fields


class PosesFile(NamedTuple):
    """N poses, each with the place where it was read."""

    format: str
    names: list[str]
    where: list[str]  # file and line
    T_world_cam: Pose  # (N,) float64; NaN where a method failed
    covariance: Tensor | None = None  # (N, 6, 6) as stated, see `Hint`; None: no column states any
    times_s: Floats | None = None  # (N,) of a trajectory
    notes: tuple[str, ...] = ()  # on what was taken for granted or left out

    @property
    def failed(self) -> list[int]:
        """Rows whose pose is NaN."""
        return torch.cat(self.T_world_cam, dim=1).isnan().any(dim=1).nonzero()[:, 0].tolist()

    def at(self, rows: Sequence[int]) -> "PosesFile":
        """Return some of the poses."""
        chosen = list(rows)
        return self._replace(
            names=[self.names[row] for row in chosen],
            where=[self.where[row] for row in chosen],
            T_world_cam=Pose(*(part[chosen] for part in self.T_world_cam)),
            covariance=None if self.covariance is None else self.covariance[chosen],
            times_s=None if self.times_s is None else self.times_s[chosen],
        )


def refuse(mistakes: Sequence[str]) -> None:
    """Raise an InputError of the first mistake, if there is any, and of how many more there are."""
    if mistakes:
        more = f" ({len(mistakes) - 1} more like it)" if len(mistakes) > 1 else ""
        raise InputError(mistakes[0] + more)


def floats(fields: Sequence[str]) -> list[float] | None:
    """Convert fields to numbers as files have them, with nan and inf; None where one is none."""
    joined = "".join(fields)
    if not joined.isascii() or "_" in joined:  # which Python would take
        return None
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None


def from_matrices(
    format: str,
    names: list[str],
    where: list[str],
    found: Sequence[ValidatedPose | InputError],
    texts: Sequence[str],
) -> PosesFile:
    """Return the poses of matrices, failed where their text holds a nan."""
    refuse(
        [
            str(stated)
            for text, stated in zip(texts, found, strict=True)
            if isinstance(stated, InputError) and "nan" not in text.lower()
        ]
    )
    poses = [FAILED if isinstance(pose, InputError) else pose.T_world_cam for pose in found]
    return _checked(PosesFile(format, names, where, stack_poses(poses)))


def from_rows(format: str, rows: Iterable[Row]) -> PosesFile:
    """Convert all rows of qw qx qy qz tx ty tz at once, since there may be 100,000.

    They are T_cam_world for the format text, T_world_cam for all others.
    """
    names, places, mistakes, flat = list[str](), list[str](), list[str](), array("d")
    for where, name, fields in rows:
        names.append(name)
        places.append(where)
        found = floats(fields)
        if found is None:
            mistakes.append(f"{where}: expected numbers, found `{' '.join(fields)[:80]}`")
        else:
            flat.extend(found)
    refuse(mistakes)
    numbers = np.array(flat).reshape(-1, 7)
    quaternion, t = numbers[:, :4], numbers[:, 4:]
    with np.errstate(over="ignore"):
        norm = np.linalg.norm(quaternion, axis=1)
    low, high = QUATERNION_NORM_RANGE
    wrong = (norm < low) | (norm > high) | np.isinf(numbers).any(axis=1)
    refuse(
        [
            f"{places[i]}: quaternion of norm {norm[i]:.3g}, expected about 1; {FIX}"
            for i in np.flatnonzero(wrong).tolist()
        ]
    )
    pose = Pose(torch.from_numpy(t.copy()), torch.from_numpy(quaternion / norm[:, None]))
    if format == "text":
        pose = Pose(*invert(*pose))
    return _checked(PosesFile(format, names, places, pose))


def _checked(found: PosesFile) -> PosesFile:
    """Refuse names that no list can hold, and positions that no world has."""
    for name, where in zip(found.names, found.where, strict=True):
        if not name or not name.isprintable():
            check_name(name, where)
    far = (found.T_world_cam.t.abs() > COORDINATE_M).any(dim=1).nonzero()[:, 0].tolist()
    refuse(
        [
            f"{found.where[row]}: a position more than {COORDINATE_M:g} m from the origin; {FIX}"
            for row in far
        ]
    )
    return found
