"""A robot bridge: images and odometry of a ROS bag go in, poses with covariances come out as a bag.

    python examples/ros_bridge.py RUN drive.bag answers --body-cam 0.1 0 0.05 0.5 -0.5 0.5 -0.5

RUN is a trained run, or --map is an orthophoto. No ROS is needed. `Bridge` is what a node is made of: its methods
are the callbacks of two subscriptions, and its answers are published; docs/robot.md shows the node.
"""

import argparse
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

import hinted_posenet as hp
from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.core.extrinsics import carried
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Hint, Pose, stack_poses
from hinted_posenet.data.bag_images import camera_info_topic
from hinted_posenet.data.bags import Bag, open_bag, stamp_s
from hinted_posenet.data.odometry import Odometry, motion
from hinted_posenet.data.odometry_bag import MESSAGES, pose_of
from hinted_posenet.data.odometry_rows import parse_extrinsics
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.data.ros_images import COMPRESSED, RAW, Pixels, camera_of, pixels_of
from hinted_posenet.inference.tracked import Trackable
from hinted_posenet.inference.tracker import Tracker

ANSWER, TOPIC, FRAME = "geometry_msgs/msg/PoseWithCovarianceStamped", "/camera_pose", "map"
SAME = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]  # the body is the camera


class Answer(NamedTuple):
    """Where the body was when an image was taken."""

    stamp_s: float  # of the image
    body: Hint  # T_map_body (), with its covariance along and about the axes of the map
    status: str  # see `hinted_posenet.inference.tracked.Tracked`


class Waiting(NamedTuple):
    """An image that waits for the odometry of its time."""

    stamp_s: float
    pixels: Pixels | None
    camera: QueryCamera | None


class Bridge:
    """Tracks a robot by images and odometry that arrive in any order of their own.

    An image waits until odometry has reached its time, or an image is ``wait_s`` younger; then it is tracked.

    Args:
        localizer: made by `hinted_posenet.load` or `open_map`.
        T_body_cam: pose of the camera in the frame whose odometry comes in, and whose poses go out.
        wait_s: longest that an image waits for odometry, by the stamps that come in.
    """

    def __init__(self, localizer: Trackable, T_body_cam: Pose, wait_s: float = 0.2) -> None:
        self.tracker, self.T_body_cam, self.wait_s = Tracker(localizer), T_body_cam, wait_s
        self.T_cam_body = Pose(*invert(*T_body_cam))
        self._odometry: deque[tuple[float, Pose]] = deque()  # of the camera, since the last image
        self._images: deque[Waiting] = deque()
        self._last_s: float | None = None  # stamp of the image that was tracked last

    def on_odometry(self, stamp: float, T_odom_body: Pose) -> list[Answer]:
        """Take a pose of the odometry, and return the answers that waited for it."""
        if not self._odometry or stamp > self._odometry[-1][0]:
            camera = carried(Hint(T_odom_body, torch.zeros(6, 6).double()), self.T_body_cam)
            self._odometry.append((stamp, camera.pose))
        return self._answers(stamp)

    def on_image(
        self, stamp: float, pixels: Pixels | None, camera: QueryCamera | None
    ) -> list[Answer]:
        """Take an image, None if it cannot be decoded, and return the answers that are due."""
        self._images.append(Waiting(stamp, pixels, camera))
        return self._answers(stamp - self.wait_s)

    def at_end(self) -> list[Answer]:
        """Return the answers to images that still wait."""
        return self._answers(float("inf"))

    def _answers(self, until_s: float) -> list[Answer]:
        found = []
        while self._images and self._images[0].stamp_s <= until_s:
            found.append(self._tracked(self._images.popleft()))
        return [answer for answer in found if answer]

    def _tracked(self, image: Waiting) -> Answer | None:
        """Track one image; None where nothing is known of its pose."""
        moved = None if self._last_s is None else self._motion(self._last_s, image.stamp_s)
        found = self.tracker.step(
            image.pixels, image.stamp_s, moved and (moved, None), K=image.camera
        )
        if found.status != "skipped":
            self._last_s = image.stamp_s
            while len(self._odometry) > 1 and self._odometry[1][0] <= image.stamp_s:
                self._odometry.popleft()
        if found.pose is None or found.covariance is None:
            return None
        body = carried(Hint(found.pose, found.covariance), self.T_cam_body)
        return Answer(image.stamp_s, body, found.status)

    def _motion(self, start_s: float, end_s: float) -> Pose | None:
        """Return the motion () of the camera between two images; None without odometry of both times."""
        if len(self._odometry) < 2:
            return None
        stamps, poses = zip(*self._odometry, strict=True)
        path = Odometry(torch.tensor(stamps, dtype=torch.float64), stack_poses(poses))
        return motion(path, start_s, end_s)


def bridge_bag(
    bridge: Bridge,
    bag_path: Path,
    out: Path,
    image_topic: str | None = None,
    odometry_topic: str | None = None,
) -> list[Answer]:
    """Play a bag to a bridge, and write its answers to a ROS 2 bag, each when the bridge had it."""
    with open_bag(bag_path) as bag:
        images = bag.choose((RAW, COMPRESSED), "images", image_topic, "--image-topic")
        poses = bag.choose(MESSAGES, "poses", odometry_topic, "--odometry-topic")
        with answer_bag(out) as write:
            found = [write(*answer) for answer in played(bridge, bag, images, poses)]
    return found


def played(bridge: Bridge, bag: Bag, images: str, poses: str) -> Iterator[tuple[Answer, float]]:
    """Yield the answers of a bridge to a bag, and when it had them by the clock of the recorder."""
    cameras, camera, now_s = camera_info_topic(bag, images) or "", None, 0.0
    for message in bag.messages(images, poses, *filter(None, [cameras])):
        now_s, found = message.recorded_s, list[Answer]()
        if message.topic == cameras:
            camera = camera_of(message.value, message.where)
        elif message.topic == poses:
            numbers, _ = pose_of(message.value, bag.types[poses])
            found = bridge.on_odometry(stamp_s(message), parse_extrinsics(numbers, poses))
        else:
            found = bridge.on_image(stamp_s(message), decoded(message.value), camera)
        yield from ((answer, now_s) for answer in found)
    yield from ((answer, now_s) for answer in bridge.at_end())


def decoded(value: Any, where: str = "image") -> Pixels | None:
    """Return the pixels of a message; None where they cannot be decoded, which is a frame without an image."""
    try:
        return pixels_of(value, where)
    except InputError:
        return None


@contextmanager
def answer_bag(path: Path) -> Iterator[Callable[[Answer, float], Answer]]:
    """Yield a function that writes an answer to a ROS 2 bag, at a time of its clock, and returns it."""
    from rosbags.rosbag2 import Writer
    from rosbags.typesys import Stores, get_typestore

    if path.exists():
        raise InputError(f"{path}: exists already; choose another folder, or remove it")
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Writer(path, version=9) as writer:
        topic = writer.add_connection(TOPIC, ANSWER, typestore=store)

        def write(answer: Answer, now_s: float) -> Answer:
            content = store.serialize_cdr(pose_message(answer, store.types), ANSWER)
            writer.write(topic, round(now_s * 1e9), content)
            return answer

        yield write


def pose_message(answer: Answer, types: Mapping[str, Any]) -> Any:
    """Return the PoseWithCovarianceStamped of an answer; its covariance has the order of ours, row by row."""
    stamp_ns = round(answer.stamp_s * 1e9)
    x, y, z = answer.body.pose.t.tolist()
    qw, qx, qy, qz = answer.body.pose.q.tolist()
    stamp = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    pose = types["geometry_msgs/msg/Pose"](
        types["geometry_msgs/msg/Point"](x, y, z),
        types["geometry_msgs/msg/Quaternion"](qx, qy, qz, qw),
    )
    return types[ANSWER](
        types["std_msgs/msg/Header"](stamp, FRAME),
        types["geometry_msgs/msg/PoseWithCovariance"](
            pose, answer.body.covariance.double().reshape(36).numpy()
        ),
    )


def main() -> None:
    """Read the command line, play the bag, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", nargs="?", help="a run's folder or its localizer.ckpt")
    parser.add_argument("bag", type=Path, help="file .bag or .mcap, or folder of a ROS 2 bag")
    parser.add_argument("out", type=Path, help="folder of the bag with the answers")
    parser.add_argument("--map", help="orthophoto to localize over, in place of a run")
    parser.add_argument("--body-cam", type=float, nargs=7, default=SAME, metavar="N")
    parser.add_argument("--image-topic")
    parser.add_argument("--odometry-topic")
    given = parser.parse_args()
    with one_line_errors():
        localizer = hp.open_map(given.map) if given.map else hp.load(given.run, threads=1)
        bridge = Bridge(localizer, parse_extrinsics(given.body_cam, "--body-cam"))
        topics = given.image_topic, given.odometry_topic
        answers = bridge_bag(bridge, given.bag, given.out, *topics)
        counts = Counter(answer.status for answer in answers)
        statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        print(f"{len(answers)} poses ({statuses or 'none'}); written: {given.out}, {TOPIC}")


if __name__ == "__main__":
    main()
