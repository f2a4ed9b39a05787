"""What a source of odometry states, checked, in the order of time, and carried over to the camera."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extrinsics import carried
from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.poses import QUATERNION_NORM_RANGE, row_text

CARD = "docs/robot.md"
LATE_S = 1.0  # that a pose may come after its turn, as messages do; more is another recording
LATEST_S = 1e11  # the year 5138; stamps above it are not seconds
GAP_INTERVALS, GAP_S = 5.0, 0.2  # of the usual interval, or seconds: a longer interval is a gap
SYMMETRIC = 1e-6  # of the largest entry of a covariance
SEMI_DEFINITE = -1e-9  # the least eigenvalue, of the largest

log = logging.getLogger(__name__)


class Rows(NamedTuple):
    """The poses of a source in its own order, of whatever body it describes."""

    where: Callable[[int], str]  # file and line, or topic and message, of a row
    stamp_s: Tensor  # (N,) float64
    pose: Pose  # (N,) float64
    covariance: Tensor | None  # (N, 6, 6) float64

    def chosen(self, rows: Tensor) -> "Rows":
        """Return the rows of an index (M,)."""
        names = rows.tolist()
        covariance = None if self.covariance is None else self.covariance[rows]
        pose = Pose(*(part[rows] for part in self.pose))
        return Rows(lambda i: self.where(names[i]), self.stamp_s[rows], pose, covariance)


def check_rows(rows: Rows) -> Rows:
    """Refuse stamps and poses that cannot be right, and leave out covariances that are not.

    Raises:
        InputError: A number is not finite, a quaternion is far from a rotation, a place is too far away, or stamps
            are not seconds.
    """
    t, q = rows.pose
    norm, (low, high) = q.norm(dim=1), QUATERNION_NORM_RANGE
    finite = rows.stamp_s.isfinite() & t.isfinite().all(dim=1) & q.isfinite().all(dim=1)
    if (i := _first(~finite)) is not None:
        found = row_text([rows.stamp_s[i].item(), *t[i].tolist(), *q[i].tolist()])
        raise InputError(f"{rows.where(i)}: expected finite numbers, found `{found}`; correct it")
    if (i := _first(rows.stamp_s.abs() > LATEST_S)) is not None:
        raise InputError(
            f"{rows.where(i)}: the stamp is {rows.stamp_s[i].item():.0f}, expected seconds; divide nanoseconds by "
            "1e9, as all stamps of the file"
        )
    if (i := _first(t.abs().amax(dim=1) > COORDINATE_M)) is not None:
        raise InputError(
            f"{rows.where(i)}: is more than {COORDINATE_M:g} m from the origin; state metres"
        )
    if (i := _first(~((norm >= low) & (norm <= high)))) is not None:
        raise InputError(
            f"{rows.where(i)}: quaternion {row_text(q[i].tolist())} (w x y z) has norm {norm[i].item():.3g}, "
            f"expected about 1 ({low} to {high}); correct or remove it"
        )
    pose = Pose(t, normalize(q, dim=1))
    return rows._replace(pose=pose, covariance=_sound(rows.covariance, rows.where))


def in_order(rows: Rows) -> Rows:
    """Return rows in the order of time: late ones are sorted, and of those with one stamp the first is kept.

    Raises:
        InputError: Time goes back by more than a second, or fewer than two rows are left.
    """
    if not len(rows.stamp_s):
        raise InputError(f"{rows.where(0)}: holds no pose; see {CARD}")
    late_s = rows.stamp_s.cummax(dim=0).values - rows.stamp_s
    if (i := _first(late_s > LATE_S)) is not None:
        raise InputError(
            f"{rows.where(i)}: time goes back by {late_s[i].item():.3g} s; give recordings one by one"
        )
    order = torch.sort(rows.stamp_s, stable=True)
    new = order.values.diff(prepend=order.values[:1] - 1.0) > 0
    late, repeated = int((late_s > 0).sum()), int((~new).sum())
    if late or repeated:
        log.warning(
            "%s: %d of %d poses came late and are sorted, %d repeat a stamp and are left out",
            *(rows.where(int((late_s > 0).int().argmax())), late, len(new), repeated),
        )
    kept = rows.chosen(order.indices[new])
    if len(kept.stamp_s) < 2:
        raise InputError(f"{kept.where(0)}: is the only pose; odometry needs two or more")
    return kept


def of_camera(rows: Rows, T_body_cam: Pose | None) -> Rows:
    """Return the poses of a camera that is fixed to the body of the rows by its pose (), with their covariance."""
    if T_body_cam is None:
        return rows
    stated = rows.covariance
    count = len(rows.stamp_s)
    zero = torch.zeros(count, 6, 6, dtype=torch.float64)
    found = carried(Hint(rows.pose, zero if stated is None else stated), T_body_cam)
    return rows._replace(pose=found.pose, covariance=None if stated is None else found.covariance)


def parse_extrinsics(numbers: Sequence[float], name: str = "T_body_cam") -> Pose:
    """Return the pose () of a camera on its body from x, y, z in metres and qw, qx, qy, qz.

    Raises:
        InputError: They are not seven finite numbers, or the last four are no rotation.
    """
    found = torch.tensor(list(numbers), dtype=torch.float64)
    low, high = QUATERNION_NORM_RANGE
    if len(found) != 7 or not found.isfinite().all() or not low <= float(found[3:].norm()) <= high:
        raise InputError(
            f"{name}={list(numbers)}: expected [x,y,z,qw,qx,qy,qz], metres and a unit quaternion, of the camera "
            f"in the frame of its body; see {CARD}"
        )
    return Pose(found[:3], normalize(found[3:], dim=0))


def longest_gap_s(stamp_s: Tensor) -> float:
    """Return the longest interval between stamps (N,) in which nothing is missing: 5 times the usual one."""
    return max(GAP_S, GAP_INTERVALS * float(stamp_s.diff().quantile(0.5)))


def _first(faulty: Tensor) -> int | None:
    """Return the first row of a mask (N,) that is true."""
    return int(faulty.int().argmax()) if bool(faulty.any()) else None


def _sound(covariance: Tensor | None, where: Callable[[int], str]) -> Tensor | None:
    """Return covariances (N, 6, 6), or None where they are wrong or say nothing.

    Many drivers leave them at zero, or fill them with what is no covariance; the poses are of use all the same.
    """
    if covariance is None or not bool(covariance.any()):
        return None
    size = covariance.abs().amax(dim=(1, 2))
    skewed = (covariance - covariance.mT).abs().amax(dim=(1, 2)) > SYMMETRIC * size
    known = covariance.isfinite().all(dim=(1, 2))
    symmetric = 0.5 * (covariance + covariance.mT).where(known[:, None, None], 0.0)
    values = torch.linalg.eigvalsh(symmetric)
    wrong = ~known | skewed | (values[:, 0] < SEMI_DEFINITE * values[:, -1].clamp_min(0.0))
    if (i := _first(wrong)) is not None:
        log.warning(
            "%s: its covariance is not symmetric and positive semi-definite, as of %d of %d poses; all "
            "covariances are left out",
            *(where(i), int(wrong.sum()), len(wrong)),
        )
        return None
    return symmetric
