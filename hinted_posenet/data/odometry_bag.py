"""Odometry of a ROS bag: poses of one topic, whatever of four messages it has."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from hinted_posenet.core.types import Pose
from hinted_posenet.data.bags import damage, open_bag, stamp_s
from hinted_posenet.data.odometry_rows import Rows


class _Fields(NamedTuple):
    """Where a message has its parts: names of attributes, one within another."""

    position: tuple[str, ...]
    rotation: tuple[str, ...]
    covariance: tuple[str, ...] = ()  # () where the message has none


_WITH_COVARIANCE = _Fields(
    ("pose", "pose", "position"), ("pose", "pose", "orientation"), ("pose", "covariance")
)
MESSAGES = {
    "nav_msgs/msg/Odometry": _WITH_COVARIANCE,
    "geometry_msgs/msg/PoseWithCovarianceStamped": _WITH_COVARIANCE,
    "geometry_msgs/msg/PoseStamped": _Fields(("pose", "position"), ("pose", "orientation")),
    "geometry_msgs/msg/TransformStamped": _Fields(
        ("transform", "translation"), ("transform", "rotation")
    ),
}


def read_bag(path: Path, topic: str | None) -> Rows:
    """Read the poses of a topic, in the order of the recording, with the times in their headers.

    ROS orders a covariance as `Hint` does, row by row, about fixed axes of the frame in the header.

    Raises:
        InputError: The bag is damaged, or has not exactly one such topic and ``topic`` does not choose one.
    """
    stamps_s: list[float] = []
    poses: list[list[float]] = []
    covariances = []
    with open_bag(path) as bag:
        chosen = bag.choose(MESSAGES, "poses", topic, "topic")
        kind = bag.types[chosen]
        count = bag.count(chosen)
        for message in tqdm(
            bag.messages(chosen), chosen, count, unit="message", delay=1, leave=False
        ):
            with damage(message.where):  # a bag says itself what its messages consist of
                stamps_s.append(stamp_s(message))
                pose, covariance = pose_of(message.value, kind)
            poses.append(pose)
            covariances += [] if covariance is None else [covariance]
    table = torch.tensor(poses, dtype=torch.float64).reshape(-1, 7)
    stated = torch.from_numpy(np.stack(covariances)) if covariances else None

    def where(row: int) -> str:
        return f"{path} {chosen} message {row + 1}" if poses else f"{path} {chosen}"

    stamp = torch.tensor(stamps_s, dtype=torch.float64)
    return Rows(where, stamp, Pose(table[:, :3], table[:, 3:]), stated)


def pose_of(value: Any, kind: str) -> tuple[list[float], NDArray[np.float64] | None]:
    """Return x y z qw qx qy qz, and the covariance (6, 6) or None, of a message of one of `MESSAGES`."""
    fields = MESSAGES[kind]
    t, q = (_part(value, names) for names in (fields.position, fields.rotation))
    numbers = [float(number) for number in (t.x, t.y, t.z, q.w, q.x, q.y, q.z)]
    if not fields.covariance:
        return numbers, None
    covariance = np.asarray(_part(value, fields.covariance), np.float64)
    return numbers, covariance.reshape(6, 6)


def _part(message: Any, names: tuple[str, ...]) -> Any:
    """Return a part of a message within its parts."""
    for name in names:
        message = getattr(message, name)
    return message
