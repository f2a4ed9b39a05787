"""Odometry: the path of a camera in a frame that drifts, and its motion between two times.

`read_odometry` reads a CSV or TUM file or a ROS bag; docs/robot.md describes their columns and messages.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import (
    compose_rotvec,
    quaternion_inverse,
    quaternion_product,
    relative_rotvec,
    rotate,
)
from hinted_posenet.core.types import Pose
from hinted_posenet.data.bags import BAG_SUFFIXES
from hinted_posenet.data.odometry_bag import read_bag
from hinted_posenet.data.odometry_rows import (
    CARD,
    Rows,
    check_rows,
    in_order,
    longest_gap_s,
    of_camera,
)
from hinted_posenet.data.odometry_text import read_csv, read_tum

TEXT_READERS = {".csv": read_csv, ".tum": read_tum, ".txt": read_tum}


class Odometry(NamedTuple):
    """Poses of a camera in a frame of their own, which drifts against the world: only motions are of use.

    Between two poses that are longer apart than ``longest_gap_s`` the motion is not known.
    """

    stamp_s: Tensor  # (N,) float64, strictly increasing
    pose: Pose  # (N,) float64, T_odom_cam
    # (N, 6, 6) float64 of the poses as the source states it, in the frame of the odometry as in `Hint`; None
    # where it states none
    covariance: Tensor | None = None
    longest_gap_s: float = 0.5


def read_odometry(
    path: str | Path, topic: str | None = None, T_body_cam: Pose | None = None
) -> Odometry:
    """Read odometry from a CSV or TUM file, or a ROS 1 or 2 bag; docs/robot.md describes them.

    Poses that come late by at most a second are sorted, and of several with one stamp the first is kept.

    Args:
        path: The file, or the folder of a ROS 2 bag.
        topic: Of a bag; None if it has one topic with poses.
        T_body_cam: Pose () of the camera in the frame whose poses the source states; None: they are the camera's.

    Raises:
        InputError: The file cannot be read, has no such topic, or a pose or stamp in it is wrong.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.exists():
        raise InputError(f"odometry={path}: no such file or folder; check the path")
    if path.is_dir() or suffix in BAG_SUFFIXES:
        rows = read_bag(path, topic)
    elif suffix not in TEXT_READERS:
        known = " ".join([*TEXT_READERS, *sorted(BAG_SUFFIXES)])
        raise InputError(
            f"odometry={path}: expected a file {known}, or the folder of a ROS 2 bag; see {CARD}"
        )
    elif topic is not None:
        raise InputError(f"odometry={path}: has no topics; leave out topic={topic}")
    else:
        rows = TEXT_READERS[suffix](path)
    return odometry_of(rows, T_body_cam)


def odometry_of(rows: Rows, T_body_cam: Pose | None = None) -> Odometry:
    """Check the rows of a source, see `read_odometry`, and convert them to odometry of the camera."""
    rows = of_camera(in_order(check_rows(rows)), T_body_cam)
    return Odometry(rows.stamp_s, rows.pose, rows.covariance, longest_gap_s(rows.stamp_s))


def motion(odometry: Odometry, start_s: float, end_s: float) -> Pose | None:
    """Return the motion () T_cam(start)_cam(end) between two times, from interpolated poses.

    None if a time is before the first or after the last pose, or poses are missing somewhere between the times,
    see `Odometry`.
    """
    stamp_s, (first_s, last_s) = odometry.stamp_s, sorted((start_s, end_s))
    if not bool(stamp_s[0] <= first_s <= last_s <= stamp_s[-1]):
        return None
    after = int(torch.searchsorted(stamp_s, last_s))
    between_s = stamp_s[_interval(stamp_s, first_s) : after + 1].diff()
    if bool((between_s > odometry.longest_gap_s).any()):
        return None
    start, end = (_pose_at(odometry, time_s) for time_s in (start_s, end_s))
    back = quaternion_inverse(start.q)
    return Pose(rotate(back, end.t - start.t), quaternion_product(back, end.q))


def _interval(stamp_s: Tensor, time_s: float) -> int:
    """Return i of the interval from stamp i (included) to i + 1 that a time within all stamps is in."""
    after = int(torch.searchsorted(stamp_s, time_s, right=True))
    return min(after, len(stamp_s) - 1) - 1


def _pose_at(odometry: Odometry, time_s: float) -> Pose:
    """Interpolate the pose () at a time within the odometry: straight on, at a constant rate of turn."""
    i = _interval(odometry.stamp_s, time_s)
    before_s, after_s = odometry.stamp_s[i : i + 2]
    share = (time_s - before_s) / (after_s - before_s)
    t, q = (part[i : i + 2] for part in odometry.pose)
    return Pose(
        torch.lerp(t[0], t[1], share), compose_rotvec(q[0], share * relative_rotvec(q[0], q[1]))
    )
