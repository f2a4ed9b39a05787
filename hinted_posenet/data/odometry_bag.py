"""Odometry of a ROS bag: poses of one topic, whatever of four messages it has."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

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
        fields = MESSAGES[bag.types[chosen]]
        for message in bag.messages(chosen):
            with damage(message.where):  # a bag says itself what its messages consist of
                t, q = (_part(message.value, names) for names in (fields.position, fields.rotation))
                stamps_s.append(stamp_s(message))
                poses.append([float(number) for number in (t.x, t.y, t.z, q.w, q.x, q.y, q.z)])
                if fields.covariance:
                    stated = np.asarray(_part(message.value, fields.covariance), np.float64)
                    covariances.append(stated.reshape(6, 6))
    table = torch.tensor(poses, dtype=torch.float64).reshape(-1, 7)
    covariance = torch.from_numpy(np.stack(covariances)) if covariances else None

    def where(row: int) -> str:
        return f"{path} {chosen} message {row + 1}" if poses else f"{path} {chosen}"

    stamp = torch.tensor(stamps_s, dtype=torch.float64)
    return Rows(where, stamp, Pose(table[:, :3], table[:, 3:]), covariance)


def _part(message: Any, names: tuple[str, ...]) -> Any:
    """Return a part of a message within its parts."""
    for name in names:
        message = getattr(message, name)
    return message
