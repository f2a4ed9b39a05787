"""Bags of ROS 1 and ROS 2 as robots record them, written by rosbags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_HUMBLE)
KINDS = ("ros1.bag", "sqlite", "mcap")  # what `write_bag` writes, by the name of the bag
NOTHING = np.zeros(36)  # a covariance that says nothing, as drivers leave it


class Recorded(NamedTuple):
    topic: str
    stamp_s: float
    value: Any


class Messages:
    """Messages for a bag with a name of `KINDS`."""

    def __init__(self, name: str = "sqlite"):
        self.store = ROS1 if name.endswith(".bag") else ROS2

    def make(self, kind: str, **fields: Any) -> Any:
        return self.store.types[kind](**fields)

    def header(self, stamp_s: float, frame_id: str = "odom") -> Any:
        stamp_ns = round(stamp_s * 1e9)
        fields = {"seq": 0} if self.store is ROS1 else {}
        stamp = self.make(
            "builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9
        )
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id, **fields)

    def pose(self, t: Sequence[float], q: Sequence[float]) -> Any:
        """Quaternions are (w, x, y, z)."""
        w, x, y, z = map(float, q)
        return self.make(
            "geometry_msgs/msg/Pose",
            position=self.make(
                "geometry_msgs/msg/Point", **dict(zip("xyz", map(float, t), strict=True))
            ),
            orientation=self.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
        )

    def with_covariance(self, t: Sequence[float], q: Sequence[float], covariance: Any) -> Any:
        numbers = np.asarray(covariance, np.float64).reshape(36)
        pose = self.pose(t, q)
        return self.make("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=numbers)

    def odometry(
        self, stamp_s: float, t: Sequence[float], q: Sequence[float], covariance: Any = NOTHING
    ) -> Any:
        zero = self.make("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
        twist = self.make("geometry_msgs/msg/Twist", linear=zero, angular=zero)
        return self.make(
            "nav_msgs/msg/Odometry",
            header=self.header(stamp_s),
            child_frame_id="base_link",
            pose=self.with_covariance(t, q, covariance),
            twist=self.make(
                "geometry_msgs/msg/TwistWithCovariance", twist=twist, covariance=np.zeros(36)
            ),
        )

    def image(self, stamp_s: float, pixels: np.ndarray, encoding: str, frame_id: str) -> Any:
        height, width = pixels.shape[:2]
        return self.make(
            "sensor_msgs/msg/Image",
            header=self.header(stamp_s, frame_id),
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=pixels[0].nbytes,
            data=np.ascontiguousarray(pixels).view(np.uint8).reshape(-1),
        )

    def compressed(self, stamp_s: float, content: bytes, kind: str, frame_id: str) -> Any:
        return self.make(
            "sensor_msgs/msg/CompressedImage",
            header=self.header(stamp_s, frame_id),
            format=kind,
            data=np.frombuffer(content, np.uint8),
        )

    def camera_info(
        self,
        stamp_s: float,
        K: Any,
        size: tuple[int, int],
        model: str = "plumb_bob",
        distortion: Sequence[float] = (0.0,) * 5,
        **changes: Any,
    ) -> Any:
        """K (3, 3) as ROS has it: the center of the top-left pixel is (0, 0)."""
        roi = self.make(
            "sensor_msgs/msg/RegionOfInterest",
            **dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0),
            do_rectify=False,
        )
        K = np.asarray(K, np.float64)
        old = self.store is ROS1  # which writes K, D, R and P as capitals
        matrices = {
            "k": K.reshape(9),
            "d": np.asarray(distortion, np.float64),
            "r": np.eye(3).reshape(9),
            "p": np.column_stack([K, np.zeros(3)]).reshape(12),
        }
        fields = {
            "header": self.header(stamp_s, "camera"),
            "height": size[1],
            "width": size[0],
            "distortion_model": model,
            "binning_x": 0,
            "binning_y": 0,
            "roi": roi,
            **{name.upper() if old else name: value for name, value in matrices.items()},
        }
        return self.make("sensor_msgs/msg/CameraInfo", **fields | changes)


def write_bag(path: Path, recorded: Sequence[Recorded]) -> Path:
    """Write messages in their order as a bag of one of `KINDS`, by the end of its name."""
    if path.suffix == ".bag":
        with Writer1(path) as writer:
            topics = {r.topic: (type(r.value).__msgtype__) for r in recorded}
            connections = {
                topic: writer.add_connection(topic, kind, typestore=ROS1)
                for topic, kind in topics.items()
            }
            for topic, stamp_s, value in recorded:
                content = ROS1.serialize_ros1(value, value.__msgtype__)
                writer.write(connections[topic], round(stamp_s * 1e9), content)
        return path
    plugin = StoragePlugin.MCAP if path.name.endswith("mcap") else StoragePlugin.SQLITE3
    with Writer2(path, version=9, storage_plugin=plugin) as writer:
        topics = {r.topic: type(r.value).__msgtype__ for r in recorded}
        connections = {
            topic: writer.add_connection(topic, kind, typestore=ROS2)
            for topic, kind in topics.items()
        }
        for topic, stamp_s, value in recorded:
            content = ROS2.serialize_cdr(value, value.__msgtype__)
            writer.write(connections[topic], round(stamp_s * 1e9), content)
    return path
